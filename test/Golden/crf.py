#!/usr/bin/env python3
"""Holds `crf` of the standard library against numpy.

crf.py RNNC TAGGER.rnn: log-likelihoods, their gradient and the best paths of
ragged batches. Sequences of up to five steps are summed and searched path by
path, longer ones by the recursions written here; the gradient is that of
differences of the sum over paths. Tolerance: 1e-10 in f64, 1e-5 in f32.
"""
import itertools
import sys
import tempfile

import numpy as np

from structured import Model, close, differences, logsumexp

K = 4


def score(s, A, path):
    """Tag 0 stands before the first."""
    before = [0, *path[:-1]]
    return sum(s[t, y] + A[b, y] for t, (b, y) in enumerate(zip(before, path)))


def log_sum(s, A):
    if len(s) <= 5:
        return float(logsumexp(np.array([score(s, A, p) for p in itertools.product(range(K), repeat=len(s))])))
    forward = A[0] + s[0]
    for row in s[1:]:
        forward = logsumexp(forward[:, None] + A, axis=0) + row
    return float(logsumexp(forward))


def best_path(s, A):
    if len(s) <= 5:
        return list(max(itertools.product(range(K), repeat=len(s)), key=lambda p: score(s, A, p)))
    forward, back = A[0] + s[0], []
    for row in s[1:]:
        ways = forward[:, None] + A
        back.append(ways.argmax(axis=0))
        forward = ways.max(axis=0) + row
    path = [int(forward.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return path[::-1]


def loss(s, A, tags, lengths):
    total = sum(log_sum(s[b, :n], A) - score(s[b, :n], A, list(tags[b, :n])) for b, n in enumerate(lengths))
    return total / max(1, sum(lengths))


def case(model, variant, seed, lengths):
    rng = np.random.default_rng(seed)
    steps = max(lengths)
    s = rng.normal(size=(len(lengths), steps, K)) * 2
    A = rng.normal(size=(K, K))
    tags = rng.integers(0, K, size=(len(lengths), steps))
    for b, n in enumerate(lengths):  # what is never read
        s[b, n:], tags[b, n:] = np.nan, 99
    given = {"s": s, "T": np.array(lengths, np.int32)}
    results = model.run(variant, "Tagger.grad", {"A": A}, {"tags": tags.astype(np.int32), **given})
    tolerance = model.tolerance(variant)
    close("loss", results["loss"], loss(s, A, tags, lengths), tolerance)
    close("grad.A", results["grad.A"], differences(lambda a: loss(s, a, tags, lengths), A), tolerance)
    paths = model.run(variant, "Tagger.predict", {"A": A}, given)["tags"]
    for b, n in enumerate(lengths):
        want = best_path(s[b, :n], A) + [0] * (steps - n)
        if list(paths[b]) != want:
            sys.exit(f"path of {b}: {list(paths[b])} instead of {want}")


with tempfile.TemporaryDirectory() as folder:
    tagger = Model(*sys.argv[1:3], folder)
    for i, lengths in enumerate([[5, 3, 0, 1, 4], [0, 0], [1], [17, 2, 30, 0, 9]]):
        case(tagger, "f64", i, lengths)
    case(tagger, "f64-O0", 7, [5, 4, 2])
    case(tagger, "f32", 8, [6, 12, 1])
    case(tagger, "reference", 9, [5, 7, 0])
