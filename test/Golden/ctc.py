#!/usr/bin/env python3
"""Holds `ctc` of the standard library against numpy.

ctc.py RNNC SPELLER.rnn: log-likelihoods, their gradient and greedily decoded
labels of ragged batches. Sequences of up to six steps are summed alignment by
alignment, longer ones by the recursion over labels and blanks (Graves et al.
2006) written here; the gradient is that of differences. Tolerance: 1e-10 in
f64, 2e-5 in f32.
"""
import itertools
import sys
import tempfile

import numpy as np

from structured import Model, close, differences, logsumexp

K = 4


def collapsed(path):
    return [k for i, k in enumerate(path) if k and (i == 0 or path[i - 1] != k)]


def by_alignments(p, labels):
    ways = [sum(p[t, k] for t, k in enumerate(path))
            for path in itertools.product(range(K), repeat=len(p)) if collapsed(path) == labels]
    return float(logsumexp(np.array(ways))) if ways else -np.inf


def by_recursion(p, labels):
    places = [0]
    for k in labels:
        places += [k, 0]
    alpha = np.full(len(places), -np.inf)
    alpha[:2] = p[0, places[:2]]
    for row in p[1:]:
        before, alpha = alpha, np.full(len(places), -np.inf)
        for i, k in enumerate(places):
            ways = [before[i]] + ([before[i - 1]] if i else [])
            if k and i > 1 and places[i - 2] != k:
                ways.append(before[i - 2])
            alpha[i] = row[k] + np.logaddexp.reduce(ways)
    return float(np.logaddexp.reduce(alpha[-2:]))


def logp(s, labels):
    p = s - logsumexp(s)[:, None]
    if len(s) == 0:
        return 0.0 if not labels else -np.inf
    return by_alignments(p, labels) if len(s) <= 6 else by_recursion(p, labels)


def loss(s, b, y, steps, labels):
    total = -sum(logp(s[i, :n] + b, list(y[i, :m])) for i, (n, m) in enumerate(zip(steps, labels)))
    return total / sum(labels) if sum(labels) else 0.0  # a batch in which nothing is observed


def case(model, variant, seed, steps, labels):
    rng = np.random.default_rng(seed)
    rows, longest = len(steps), max(steps)
    s, b = rng.normal(size=(rows, longest, K)) * 2, rng.normal(size=K)
    y = rng.integers(1, K, size=(rows, max(labels)))
    for i, (n, m) in enumerate(zip(steps, labels)):  # what is never read
        s[i, n:], y[i, m:] = np.nan, 99
        while m + sum(y[i, k] == y[i, k - 1] for k in range(1, m)) > n:  # no alignment
            y[i, :m] = rng.integers(1, K, size=m)
    given = {"s": s, "T": np.array(steps, np.int32)}
    data = {"y": y.astype(np.int32), "L": np.array(labels, np.int32), **given}
    results = model.run(variant, "Speller.grad", {"b": b}, data)
    tolerance = model.tolerance(variant)
    close("loss", results["loss"], loss(s, b, y, steps, labels), tolerance)
    close("grad.b", results["grad.b"], differences(lambda v: loss(s, v, y, steps, labels), b), tolerance)
    best = model.run(variant, "Speller.predict", {"b": b}, given)["y"]
    for i, n in enumerate(steps):
        path = (s[i, :n] + b).argmax(axis=1)
        if [k for k in best[i] if k] != collapsed(list(path)) or any(best[i, n:]):
            sys.exit(f"greedy labels of {i}: {best[i]}, the best symbols are {path}")


with tempfile.TemporaryDirectory() as folder:
    speller = Model(*sys.argv[1:3], folder)
    for i, (steps, labels) in enumerate([([5, 3, 2, 6, 4], [2, 3, 0, 3, 1]), ([1], [1]), ([3, 0], [0, 0]),
                                         ([20, 9, 30], [7, 4, 0])]):
        case(speller, "f64", i, steps, labels)
    case(speller, "f64-O0", 7, [6, 4], [3, 2])
    case(speller, "f32", 8, [12, 7], [5, 3])
    case(speller, "reference", 9, [6, 5, 1], [2, 1, 0])
