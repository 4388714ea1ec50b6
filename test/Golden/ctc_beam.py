#!/usr/bin/env python3
"""Holds `ctc_beam` of the standard library against Python.

ctc_beam.py RNNC SPELLER.rnn: the labels that prefix beam search finds in ragged batches,
against a search over a dictionary of beginnings, written here; wide enough for all
beginnings, against the labels whose alignments sum up to most. Some symbols have
probability 0. The N best are those of that search, with their scores. The loss is that of `ctc`.
"""
import itertools
import pathlib
import sys
import tempfile

import numpy as np

from structured import Model

K, NEVER = 4, -np.inf


def collapsed(path):
    return tuple(k for i, k in enumerate(path) if k and (i == 0 or path[i - 1] != k))


def search(p, width):
    kept = {(): (0.0, NEVER)}  # ways that end in a blank, ways that do not
    for row in p:
        found = {}

        def add(labels, blank, other):
            before = found.get(labels, (NEVER, NEVER))
            found[labels] = (np.logaddexp(before[0], blank), np.logaddexp(before[1], other))

        for labels, (blank, other) in kept.items():
            both = np.logaddexp(blank, other)
            add(labels, row[0] + both, NEVER)
            for k in range(1, K):
                equal = labels and labels[-1] == k
                if equal:
                    add(labels, NEVER, row[k] + other)
                add(labels + (k,), NEVER, row[k] + (blank if equal else both))
        order = sorted((entry for entry in found.items() if np.logaddexp(*entry[1]) > NEVER),
                       key=lambda entry: -np.logaddexp(*entry[1]))
        kept = dict(order[:width])
    scores = {labels: np.logaddexp(*ways) for labels, ways in kept.items()}
    return sorted(scores.items(), key=lambda entry: -entry[1])


def best(p):
    sums = {}
    for path in itertools.product(range(K), repeat=len(p)):
        labels = collapsed(path)
        sums[labels] = np.logaddexp(sums.get(labels, NEVER), sum(p[t, k] for t, k in enumerate(path)))
    return max(sums, key=sums.get)


def scoresFor(seed, steps):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(len(steps), max(steps), K)) * 1.5
    s[rng.random(s.shape) < 0.05] = -1e30  # never, but for rounding
    for i, n in enumerate(steps):
        s[i, n:] = np.nan
    return s


def logarithms(s):
    top = s.max(axis=1, keepdims=True)
    return s - top - np.log(np.exp(s - top).sum(axis=1, keepdims=True))


def several(model, variant, seed, steps):
    """The N likeliest of a search of width W, and their log-probabilities."""
    s, lengths = scoresFor(seed, steps), np.array(steps, np.int32)
    words = model.run(variant, "nbest.forward", {}, {"s": s, "T": lengths})["out"]
    logp = model.run(variant, "scored.forward", {}, {"s": s, "T": lengths})["out"]
    for i, n in enumerate(steps):
        want = search(logarithms(s[i, :n]), 6)[:4]
        for k in range(4):
            labels, score = want[k] if k < len(want) else ((), NEVER)
            if tuple(x for x in words[i, k] if x) != labels or any(words[i, k, len(labels):]):
                sys.exit(f"{variant}, example {i}, result {k}: {words[i, k]} instead of {labels}")
            if not (score == logp[i, k] or abs(score - logp[i, k]) < 1e-10):
                sys.exit(f"{variant}, example {i}, result {k}: {logp[i, k]} instead of {score}")


def case(model, variant, seed, steps, expected):
    s = scoresFor(seed, steps)
    got = model.run(variant, "Speller.predict", {"b": np.zeros(K)}, {"s": s, "T": np.array(steps, np.int32)})["y"]
    for i, n in enumerate(steps):
        want = expected(logarithms(s[i, :n]))
        if tuple(k for k in got[i] if k) != want or any(got[i, len(want):]):
            sys.exit(f"{variant}, example {i}: {got[i]} instead of {want}")


with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(sys.argv[2]).read_text()

    def speller(width):
        path = pathlib.Path(folder) / f"speller{width}.rnn"
        path.write_text(source.replace("ctc(", f"ctc_beam{width}("))
        return Model(sys.argv[1], path, folder)

    draw = np.random.default_rng(0)
    many = [0, 1, *draw.integers(0, 12, size=30)]
    narrow = speller("[3]")
    case(narrow, "f64", 1, many, lambda p: search(p, 3)[0][0])
    case(narrow, "reference", 2, many[:12], lambda p: search(p, 3)[0][0])
    case(speller(""), "f64", 3, many, lambda p: search(p, 8)[0][0])
    case(speller("[41]"), "f64", 4, [3, 0, 2, 1, 3, 3, 3, 3], best)
    case(speller("[1]"), "f64-O0", 5, many, lambda p: search(p, 1)[0][0])
    path = pathlib.Path(folder) / "nbest.rnn"
    path.write_text("""import std
layer nbest[time T](s: [T, 4]) -> [4, T] in 4 {
  out ctc_nbest[6, 4](s)
}
layer scored[time T](s: [T, 4]) -> [4] {
  out ctc_nbest_logp[6, 4](s)
}
export nbest.forward, scored.forward
""")
    model = Model(sys.argv[1], path, folder)
    several(model, "f64", 6, many)
    several(model, "reference", 7, many[:6])
