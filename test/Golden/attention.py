#!/usr/bin/env python3
"""attention.py RNNC: a decoder with attention against numpy: fed with the true elements,
greedy, and a beam search that is wide enough to see everything.

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
START, STOP, SMOOTH, STEPS, BEST = 1, 2, 0.1, 4, 4
PENALTY = float(np.float32(0.6))  # an option is an f32


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


def begin(w, source):
    """What the steps read, and the first states."""
    xs = [w["Emb"][s] for s in source]
    forward, f = direction(w, "fw", xs)
    backward, b = direction(w, "bw", xs[::-1])
    mem = [np.concatenate(pair) for pair in zip(forward, backward[::-1])]
    keys = [w["K"] @ m for m in mem]
    first = np.tanh(w["bridge.W"] @ np.concatenate([f, b]) + w["bridge.b"]), np.zeros(H)
    return (mem, keys), first


def step(w, memory, state, before):
    """Logarithms of what follows, and the next states."""
    (mem, keys), (h, c) = memory, state
    q = w["dec.Q"] @ h
    context = np.zeros(2 * H)
    if mem:
        scores = np.array([w["dec.v"] @ np.tanh(key + q) for key in keys])
        share = np.exp(scores - log_sum_exp(scores))
        context = sum(a * m for a, m in zip(share, mem))
    h, c = lstm(w, "dec.rnn", np.concatenate([w["dec.Emb"][before], context]), h, c)
    logits = w["dec.head.W"] @ np.concatenate([h, context]) + w["dec.head.b"]
    return logits - log_sum_exp(logits), (h, c)


def cost(w, source, target):
    """-log of the probability of one example, summed over its steps."""
    memory, state = begin(w, source)
    total, before = 0, START
    for y in target:
        logp, state = step(w, memory, state, before)
        total = total - (1 - SMOOTH) * logp[y] - SMOOTH * logp.mean()
        before = y
    return total


def greedy(w, source):
    memory, state = begin(w, source)
    drawn, before = [], START
    while len(drawn) < STEPS and before != STOP:
        logp, state = step(w, memory, state, before)
        logp[START] = -np.inf
        before = int(logp.argmax())
        drawn.append(before)
    return drawn


def search(w, source):
    """All sequences that stop, or are as long as can be, best first."""
    memory, state = begin(w, source)
    found, open_ = [], [([], 0.0, state)]
    while open_:
        drawn, total, state = open_.pop()
        logp, after = step(w, memory, state, drawn[-1] if drawn else START)
        for y in range(VT):
            if y == START:
                continue
            whole, score = drawn + [y], total + logp[y]
            if y == STOP or len(whole) == STEPS:
                found.append((score / ((5 + len(whole)) / 6) ** PENALTY, whole))
            else:
                open_.append((whole, score, after))
    return sorted(found, reverse=True)[:BEST]


def padded(rows, length):
    return np.array([row + [0] * (length - len(row)) for row in rows], np.int32)


def draws(w, sources, tmp, model, run):
    """What is drawn from each source, greedily and by the widest search."""
    most = [greedy(w, source) for source in sources]
    got = run("predict")
    assert (got["tgt"] == padded(most, STEPS)).all(), (got["tgt"], most)
    assert got["T"].tolist() == [len(row) for row in most]
    # One path that is always the likeliest is the same.
    likely = run("sample", "--set", "temperature=0")
    assert (likely["tgt"] == got["tgt"]).all()
    assert (run("sample", "--set", "top_k=1")["tgt"] == got["tgt"]).all()
    drawn = [run("sample", "--threads", threads, "--seed", seed)["tgt"]
             for seed, threads in ((3, 1), (3, 2), (4, 1))]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()
    best = run("beam")
    worst = 0
    for row, source in enumerate(sources):
        for i, (score, whole) in enumerate(search(w, source)):
            assert best["T"][row, i] == len(whole), (row, i, best["T"][row], whole)
            assert best["tgt"][row, i].tolist() == padded([whole], STEPS)[0].tolist()
            worst = max(worst, abs(best["tgt.score"][row, i] - score))
    assert worst < 1e-12, worst
    return worst


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

    sources_ = [row[:length] for row, length in zip(src.copy(), sources)]
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
            rnnc(sys.argv[1], "run", model, "grad", "-O1", "--precision", precision, "--weights",
                 tmp / "w.safetensors", "--in", tmp / "in.safetensors", "--out", tmp / "out.safetensors")
            worst = check(f"attention {precision}", read_safetensors(tmp / "out.safetensors"), want, precision)
            print(f"{precision}: loss {float(want['loss']):.6f} and {len(weights)} gradients, "
                  f"largest difference {worst:.2g}")

        write_safetensors(tmp / "w.safetensors", weights)
        write_safetensors(tmp / "src.safetensors", {"src": src, "S": sources})

        library = tmp / "libattention.so"
        rnnc(sys.argv[1], model, "-O1", "-march=native", "--precision=f64", "-o", library)

        def run(function, *options):
            rnnc(sys.argv[1], "run", library, function, "--weights",
                 tmp / "w.safetensors", "--in", tmp / "src.safetensors", "--out",
                 tmp / "out.safetensors", "--length", f"T={STEPS}", *options)
            return read_safetensors(tmp / "out.safetensors")

        worst = draws(weights, sources_, tmp, model, run)
        print(f"greedy, drawn and the best {BEST} of all sequences, largest difference {worst:.2g}")


if __name__ == "__main__":
    main()
