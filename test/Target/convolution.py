#!/usr/bin/env python3
"""convolution.py RNNC LIBRARY: convolutions and pooling of std.rnn, against numpy."""
import pathlib
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Golden"))
from compare import read_safetensors, rnnc, write_safetensors  # noqa: E402

draw = np.random.default_rng(1)


def run(folder, function, weights, arrays):
    write_safetensors(folder / "w.safetensors", weights)
    write_safetensors(folder / "in.safetensors", arrays)
    rnnc(sys.argv[1], "run", sys.argv[2], function, "--weights", folder / "w.safetensors", "--in",
         folder / "in.safetensors", "--out", folder / "out.safetensors")
    return read_safetensors(folder / "out.safetensors")


def order(reach):
    """Offsets in the order of the columns of W: here, before from the nearest on, after."""
    return [0, *(-k for k in range(1, reach + 1)), *range(1, reach + 1)]


def along_time(folder):
    x, lengths = draw.standard_normal((2, 5, 2)), np.array([5, 3], np.int32)
    w, b = draw.standard_normal((3, 6)), draw.standard_normal(3)
    got = run(folder, "conv1d.forward", {"W": w, "b": b}, {"x": x, "T": lengths})["out"]
    kernel = w.reshape(3, 3, 2)
    for row, n in enumerate(lengths):
        want = np.tile(b, (n, 1))
        for t in range(n):
            for k, away in enumerate(order(1)):
                if 0 <= t + away < n:
                    want[t] += kernel[:, k] @ x[row, t + away]
        assert np.abs(got[row, :n] - want).max() < 1e-12 and (got[row, n:] == 0).all()
    got = run(folder, "causal_conv1d.forward", {"W": w, "b": b}, {"x": x, "T": lengths})["out"]
    for row, n in enumerate(lengths):
        for t in range(n):
            want = b + sum(kernel[:, k] @ x[row, t - k] for k in range(3) if t >= k)
            assert np.abs(got[row, t] - want).max() < 1e-12
    got = run(folder, "max_pool1d.forward", {}, {"x": x, "T": lengths})["out"]
    for row, n in enumerate(lengths):
        for t in range(n):
            assert (got[row, t] == x[row, max(0, t - 1):min(n, t + 2)].max(axis=0)).all()


def pictures(folder):
    x, w, b = draw.standard_normal((2, 4, 5, 2)), draw.standard_normal((3, 3, 6)), draw.standard_normal(3)
    got = run(folder, "conv2d.forward", {"W": w, "b": b}, {"x": x})["out"]
    want = np.tile(b, (2, 4, 5, 1))
    kernel = w.reshape(3, 3, 3, 2)  # row, output, column, input
    for i in range(4):
        for j in range(5):
            for r, down in enumerate(order(1)):
                for c, right in enumerate(order(1)):
                    if 0 <= i + down < 4 and 0 <= j + right < 5:
                        want[:, i, j] += x[:, i + down, j + right] @ kernel[r, :, c].T
    assert np.abs(got - want).max() < 1e-12
    x = draw.standard_normal((2, 4, 4, 3))
    parts = x.reshape(2, 2, 2, 2, 2, 3)
    got = run(folder, "max_pool2d.forward", {}, {"x": x})["out"]
    assert (got == parts.max(axis=(2, 4))).all()
    got = run(folder, "mean_pool2d.forward", {}, {"x": x})["out"]
    assert np.abs(got - parts.mean(axis=(2, 4))).max() < 1e-12


with tempfile.TemporaryDirectory() as name:
    for check in (along_time, pictures):
        check(pathlib.Path(name))
        print(check.__name__)
