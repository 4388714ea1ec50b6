#!/usr/bin/env python3
"""attention.py RNNC: a decoder with attention, fed with the true elements, against numpy.

The loss is computed here one example at a time, without padding. Its gradient is the
imaginary part of the loss at complex weights, w + 1e-30 i, which loses no digits.
"""
import pathlib
import sys
import tempfile

import numpy as np

from compare import check, read_safetensors, rnnc, write_safetensors

VS, VT, E, H, A = 6, 7, 3, 4, 5
SHAPES = {
    "Emb": (VS, E), "K": (A, 2 * H), "fw.W": (4, H, E), "fw.U": (4, H, H), "fw.b": (4, H),
    "bw.W": (4, H, E), "bw.U": (4, H, H), "bw.b": (4, H), "bridge.W": (H, 2 * H), "bridge.b": (H,),
    "dec.Emb": (VT, E), "dec.Q": (A, H), "dec.v": (A,), "dec.rnn.W": (4, H, E + 2 * H),
    "dec.rnn.U": (4, H, H), "dec.rnn.b": (4, H), "dec.head.W": (VT, 3 * H), "dec.head.b": (VT,)}
START, SMOOTH = 1, 0.1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log_sum_exp(x):
    top = x.real.max()
    return top + np.log(np.exp(x - top).sum())


def lstm(w, path, x, h, c):
    i, f, g, o = (w[f"{path}.W"] @ x + w[f"{path}.U"] @ h + w[f"{path}.b"])
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def direction(w, path, xs):
    h = c = np.zeros(H)
    hs = []
    for x in xs:
        h, c = lstm(w, path, x, h, c)
        hs.append(h)
    return hs, h


def cost(w, source, target):
    """-log of the probability of one example, summed over its steps."""
    xs = [w["Emb"][s] for s in source]
    forward, f = direction(w, "fw", xs)
    backward, b = direction(w, "bw", xs[::-1])
    mem = [np.concatenate(pair) for pair in zip(forward, backward[::-1])]
    keys = [w["K"] @ m for m in mem]
    h, c = np.tanh(w["bridge.W"] @ np.concatenate([f, b]) + w["bridge.b"]), np.zeros(H)
    total, before = 0, START
    for y in target:
        q = w["dec.Q"] @ h
        context = np.zeros(2 * H)
        if mem:
            scores = np.array([w["dec.v"] @ np.tanh(key + q) for key in keys])
            share = np.exp(scores - log_sum_exp(scores))
            context = sum(a * m for a, m in zip(share, mem))
        h, c = lstm(w, "dec.rnn", np.concatenate([w["dec.Emb"][before], context]), h, c)
        logits = w["dec.head.W"] @ np.concatenate([h, context]) + w["dec.head.b"]
        logp = logits - log_sum_exp(logits)
        total = total - (1 - SMOOTH) * logp[y] - SMOOTH * logp.mean()
        before = y
    return total


def main():
    draw = np.random.default_rng(5)
    weights = {name: 0.5 * draw.standard_normal(shape) for name, shape in SHAPES.items()}
    sources, targets = np.array([5, 1, 0, 3], np.int32), np.array([2, 6, 3, 0], np.int32)
    src = draw.integers(0, VS, (4, 5)).astype(np.int32)
    tgt = draw.integers(0, VT, (4, 6)).astype(np.int32)

    def loss(w):
        rows = zip(src, tgt, sources, targets)
        return sum(cost(w, s[:m], t[:n]) for s, t, m, n in rows) / targets.sum()

    want = {"loss": np.array(loss(weights))}
    for name, value in weights.items():
        gradient = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[place] += 1e-30j
            gradient[place] = loss({**weights, name: moved}).imag / 1e-30
        want[f"grad.{name}"] = gradient

    # What stands in the padding is no matter.
    for row, (m, n) in enumerate(zip(sources, targets)):
        src[row, m:], tgt[row, n:] = -7, 99
    model = pathlib.Path(__file__).resolve().parent / "attention.rnn"
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        for precision, kind in (("f64", np.float64), ("f32", np.float32)):
            write_safetensors(tmp / "w.safetensors", {k: v.astype(kind) for k, v in weights.items()})
            write_safetensors(tmp / "in.safetensors",
                              {"src": src, "tgt": tgt, "S": sources, "T": targets})
            rnnc(sys.argv[1], "run", model, "grad", "--precision", precision, "--weights",
                 tmp / "w.safetensors", "--in", tmp / "in.safetensors", "--out", tmp / "out.safetensors")
            worst = check(f"attention {precision}", read_safetensors(tmp / "out.safetensors"), want, precision)
            print(f"{precision}: loss {float(want['loss']):.6f} and {len(weights)} gradients, "
                  f"largest difference {worst:.2g}")


if __name__ == "__main__":
    main()
