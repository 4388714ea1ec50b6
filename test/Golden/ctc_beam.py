#!/usr/bin/env python3
"""Holds `ctc_beam` of the standard library against Python.

ctc_beam.py RNNC SPELLER.rnn: the labels that prefix beam search finds in ragged batches,
against a search over a dictionary of beginnings, written here; wide enough for all
beginnings, against the labels whose alignments sum up to most. Some symbols have
probability 0. The loss is that of `ctc`.
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
    return max(kept, key=lambda labels: np.logaddexp(*kept[labels]))


def best(p):
    sums = {}
    for path in itertools.product(range(K), repeat=len(p)):
        labels = collapsed(path)
        sums[labels] = np.logaddexp(sums.get(labels, NEVER), sum(p[t, k] for t, k in enumerate(path)))
    return max(sums, key=sums.get)


def case(model, variant, seed, steps, expected):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(len(steps), max(steps), K)) * 1.5
    s[rng.random(s.shape) < 0.05] = -1e30  # never, but for rounding
    for i, n in enumerate(steps):
        s[i, n:] = np.nan
    got = model.run(variant, "Speller.predict", {"b": np.zeros(K)}, {"s": s, "T": np.array(steps, np.int32)})["y"]
    for i, n in enumerate(steps):
        top = s[i, :n].max(axis=1, keepdims=True)
        p = s[i, :n] - top - np.log(np.exp(s[i, :n] - top).sum(axis=1, keepdims=True))
        want = expected(p)
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
    case(narrow, "f64", 1, many, lambda p: search(p, 3))
    case(narrow, "reference", 2, many[:12], lambda p: search(p, 3))
    case(speller(""), "f64", 3, many, lambda p: search(p, 8))
    case(speller("[41]"), "f64", 4, [3, 0, 2, 1, 3, 3, 3, 3], best)
    case(speller("[1]"), "f64-O0", 5, many, lambda p: search(p, 1))
