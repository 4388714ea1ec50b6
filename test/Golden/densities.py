#!/usr/bin/env python3
"""Holds `poisson`, `mixture` and `hmm` of the standard library against numpy.

densities.py RNNC DENSITIES.rnn: losses, gradients (of differences) and modes of
ragged batches; the hidden Markov model against the sum over all hidden paths.
Tolerance: 1e-10 in f64, 2e-5 in f32.
"""
import itertools
import math
import sys
import tempfile

import numpy as np

from structured import Model, close, differences, logsumexp


def valid(x, steps):
    return np.concatenate([row[:n] for row, n in zip(x, steps)])


def poisson(w, given, steps):
    rate, y = np.exp(given["r"] + w["b"]), given["y"]
    terms = rate - y * np.log(rate) + np.vectorize(math.lgamma)(y + 1)
    return valid(terms, steps).mean()


def mixture(w, given, steps):
    x, y = given["x"], given["y"]
    share = x + w["a"]
    share = share - logsumexp(share)[..., None]
    sd = np.log1p(np.exp(x + w["c"])) + 0.1
    parts = share - np.log(sd) - 0.5 * ((y[..., None] - x * w["b"]) / sd) ** 2 - 0.5 * math.log(2 * math.pi)
    return -valid(logsumexp(parts), steps).mean()


def markov(w, given, steps):
    first, A, B = (v - logsumexp(v)[..., None] for v in (w["h.first"], w["h.A"], w["h.B"]))
    total = 0.0
    for text, n in zip(given["text"], steps):
        paths = [first[p[0]] + sum(A[i, j] for i, j in zip(p, p[1:])) + sum(B[i, k] for i, k in zip(p, text))
                 for p in itertools.product(range(len(A)), repeat=n)] if n else [0.0]
        total -= logsumexp(np.array(paths))
    return total / sum(steps)


def case(model, variant, name, f, weights, given, steps):
    for value in given.values():
        for row, n in zip(value, steps):  # what is never read
            row[n:] = 99 if value.dtype == np.int32 else np.nan
    lengths = {"T": np.array(steps, np.int32)}
    got = model.run(variant, f"{name}.grad", weights, {**given, **lengths})
    tolerance = model.tolerance(variant)
    close(f"{name} loss", got["loss"], f(weights, given, steps), tolerance)
    for key in weights:
        wanted = differences(lambda v: f({**weights, key: v}, given, steps), weights[key])
        close(f"{name} grad.{key}", got[f"grad.{key}"], wanted, tolerance)


def modes(model, weights, given, steps):
    lengths = {"T": np.array(steps, np.int32)}
    best = model.run("f64", "Counts.predict", weights, {"r": given["r"], **lengths})["y"]
    wanted = np.floor(np.exp(given["r"] + weights["b"]))
    close("modes of counts", valid(best, steps), valid(wanted, steps), 0)


with tempfile.TemporaryDirectory() as folder:
    model = Model(*sys.argv[1:3], folder)
    rng = np.random.default_rng(3)
    steps = [5, 0, 3, 1]
    for variant in ("f64", "f64-O0", "f32", "reference"):
        normal = lambda *shape: rng.normal(size=shape)
        counts = ({"b": normal(2)}, {"r": normal(4, 5, 2), "y": rng.poisson(4, size=(4, 5, 2)) * 1.0})
        case(model, variant, "Counts", poisson, *counts, steps)
        if variant == "f64":
            modes(model, *counts, steps)
        case(model, variant, "Mixed", mixture, {key: normal(3) for key in "abc"},
             {"x": normal(4, 5, 3), "y": normal(4, 5)}, steps)
        case(model, variant, "Markov", markov, {"h.first": normal(2), "h.A": normal(2, 2), "h.B": normal(2, 3)},
             {"text": rng.integers(0, 3, size=(4, 5)).astype(np.int32)}, steps)
