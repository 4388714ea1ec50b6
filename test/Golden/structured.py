"""What the golden tests of structured outputs share: calls, differences, comparisons."""
import pathlib
import subprocess
import sys

import numpy as np

# How a model is compiled, and how near its numbers have to be.
VARIANTS = {"f64": (["--precision", "f64"], 1e-10), "f64-O0": (["--precision", "f64", "-O0"], 1e-10),
            "f32": (["--precision", "f32"], 2e-5)}


def logsumexp(x, axis=-1):
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(x - top), axis=axis))


def differences(f, x):
    """The gradient of f; five points, so that the error is below 1e-10."""
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ends = []
        for step in (-2, -1, 1, 2):
            moved = x.copy()
            moved[i] += step * 1e-3
            ends.append(f(moved))
        out[i] = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / 12e-3
    return out


def close(what, got, want, tolerance):
    error = np.abs(got - want).max(initial=0)
    if not error <= tolerance:
        sys.exit(f"{what}: {got} instead of {want}, {error:.3g} apart")


class Model:
    """A source, compiled once for each variant."""

    def __init__(self, rnnc, source, tmp):
        self.rnnc, self.source, self.tmp = rnnc, source, pathlib.Path(tmp)
        self.libraries = {}

    def library(self, variant):
        if variant == "reference":
            return [self.source], ["--reference"]
        if variant not in self.libraries:
            library = self.tmp / f"lib{variant}.so"
            options = VARIANTS[variant][0]
            subprocess.run([self.rnnc, self.source, *options, "-march=native", "-o", library], check=True)
            self.libraries[variant] = library
        return [self.libraries[variant]], []

    def run(self, variant, function, weights, given):
        np.savez(self.tmp / "w.npz", **weights)
        np.savez(self.tmp / "in.npz", **given)
        out = self.tmp / "out.npz"
        what, options = self.library(variant)
        subprocess.run([self.rnnc, "run", *what, function, "--weights", self.tmp / "w.npz", "--in",
                        self.tmp / "in.npz", "--out", out, *options], check=True, stdout=subprocess.DEVNULL)
        return dict(np.load(out))

    def tolerance(self, variant):
        return 1e-9 if variant == "reference" else VARIANTS[variant][1]
