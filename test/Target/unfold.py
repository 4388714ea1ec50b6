#!/usr/bin/env python3
"""unfold.py RNNC: what is drawn from inputs, against numpy: the most probable sequences, shares and
moments of drawn ones, equal bytes for equal seeds, `begin` and `step` by hand."""
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Golden"))
from compare import read_safetensors, rnnc, write_safetensors  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
draw = np.random.default_rng(3)


def run(folder, function, arrays, *options):
    library = folder / "libunfold.so"
    if not library.exists():
        rnnc(sys.argv[1], HERE / "unfold.rnn", "-O1", "-march=native", "--precision=f64", "-o", library)
    write_safetensors(folder / "in.safetensors", arrays)
    rnnc(sys.argv[1], "run", library, function, "--in", folder / "in.safetensors", "--out",
         folder / "out.safetensors", *options)
    return read_safetensors(folder / "out.safetensors")


def walk(folder):
    past, x = draw.standard_normal((2, 3, 2)), draw.standard_normal((2, 4, 2))
    given = {"past": past, "x": x, "S": np.array([3, 1], np.int32), "T": np.array([4, 2], np.int32)}
    want = np.zeros((2, 4, 2))
    for row, (s, t) in enumerate(((3, 4), (1, 2))):
        before, h, drift = past[row, s - 1], 0, past[row, :s].mean(axis=0)
        for i in range(t):
            h = 0.5 * h + x[row, i]
            before = want[row, i] = 0.5 * before + h + drift
    assert np.abs(run(folder, "Walk.predict", given)["next"] - want).max() < 1e-12
    drawn = [run(folder, "Walk.sample", given, "--seed", seed, "--threads", threads)["next"]
             for seed, threads in ((1, 1), (1, 3), (2, 1))]
    assert drawn[0].shape == (2, 3, 4, 2) and (drawn[0][1, :, 2:] == 0).all()
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()
    assert (drawn[0][:, 0] != drawn[0][:, 1]).any()
    still = run(folder, "Walk.sample", given, "--set", "temperature=0")["next"]
    assert np.abs(still - want[:, None]).max() < 1e-12
    # The steps stand first in what `begin` gives of the sequences.
    begun = run(folder, "Walk.begin", given)
    assert np.abs(begun["prev"] - past[[0, 1], [2, 0]]).max() < 1e-12
    assert begun["over.0"].shape == (4, 2, 2)
    stepped = run(folder, "Walk.step", {
        "kept.0": begun["kept.0"], "over.0": begun["over.0"][0], "prev": begun["prev"],
        **{k: v for k, v in begun.items() if k.startswith("state.")}})
    assert np.abs(stepped["next"] - want[:, 0]).max() < 1e-12
    assert np.abs(stepped["next.p"] - 0.5).max() < 1e-12


def horizon(folder):
    past = draw.standard_normal((1, 2, 2))
    want = np.stack([past[:, 1] * 0.5 ** (i + 1) for i in range(3)], axis=1)
    assert np.abs(run(folder, "Horizon.predict", {"past": past})["next"] - want).max() < 1e-12
    drawn = run(folder, "Horizon.sample", {"past": past}, "--seed", "5")["next"]
    assert drawn.shape == (1, 2000, 3, 2)
    noise = drawn[0, :, 0] - want[0, 0]
    # Laplace's distribution: mean 0, mean distance 2, deviation 2 * sqrt 2.
    assert np.abs(noise.mean(axis=0)).max() < 0.25 and np.abs(np.abs(noise).mean() - 2) < 0.15
    assert np.abs(noise.std() - 2 ** 1.5) < 0.25


def bits(folder):
    x = np.array([[0.0, 9.0, -9.0]])
    got = run(folder, "Bits.predict", {"x": x}, "--length", "T=4")
    assert got["y"][0].tolist() == [[1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]] and got["T"][0] == 4
    many = run(folder, "Bits.sample", {"x": np.zeros((3000, 3))}, "--length", "T=1", "--seed", "4")["y"]
    assert abs(many.mean() - 1 / (1 + np.exp(-4))) < 0.01


def chain(folder):
    scores, first = draw.standard_normal((3, 4, 4)), np.array([0, 1, 2], np.int32)
    p = np.exp(scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True)))
    given = {"scores": scores, "first": first}
    got = run(folder, "Chain.predict", given, "--length", "T=5")
    for row in range(3):
        want, before = [], first[row]
        while len(want) < 5 and before != 3:
            before = int(p[row, before].argmax())
            want.append(before)
        assert got["y"][row, :got["T"][row]].tolist() == want, (got, want)
    # Shares of the first symbol, and those that may not be drawn.
    rows = 4000
    many = {"scores": np.repeat(scores[:1], rows, axis=0), "first": np.zeros(rows, np.int32)}
    seen = run(folder, "Chain.sample", many, "--length", "T=1", "--seed", "1")["y"][:, 0]
    shares = np.bincount(seen, minlength=4) / rows
    assert np.abs(shares - p[0, 0]).max() < 0.03, (shares, p[0, 0])
    seen = run(folder, "Chain.sample", many, "--length", "T=1", "--set", "never=2", "--set", "top_k=2")
    assert set(seen["y"][:, 0]) == set(np.argsort(np.where(np.arange(4) == 2, 0, p[0, 0]))[-2:])
    # All sequences of three symbols.
    best = run(folder, "Chain.beam", given, "--length", "T=3")
    for row in range(3):
        found, open_ = [], [([], 0.0, first[row])]
        while open_:
            whole, total, before = open_.pop()
            for y in range(4):
                score = total + np.log(p[row, before, y])
                (found if y == 3 or len(whole) == 2 else open_).append(
                    (score, whole + [y]) if y == 3 or len(whole) == 2 else (whole + [y], score, y))
        for i, (score, whole) in enumerate(sorted(found, reverse=True)[:2]):
            assert best["y"][row, i, :best["T"][row, i]].tolist() == whole
            assert abs(best["y.score"][row, i] - score) < 1e-12


with tempfile.TemporaryDirectory() as name:
    for check in (walk, horizon, bits, chain):
        check(pathlib.Path(name))
        print(check.__name__)
