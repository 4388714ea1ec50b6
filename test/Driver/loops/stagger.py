#!/usr/bin/env python3
"""stagger.py FOLDER: libraries of stagger.rnn agree, each with itself to the bit on 1, 2 and 3 threads."""
import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(1)


def predict(name, threads):
    subprocess.run(["rnnc", "run", folder / f"lib{name}.so", "net.predict", "--in", folder / "in.npz", "--seed", "3",
                    "--threads", str(threads), "--out", folder / "out.npz"], check=True, stdout=subprocess.DEVNULL)
    with np.load(folder / "out.npz") as out:
        return {key: out[key] for key in out.files}


for batch, steps, ragged in [(1, 1, 0), (1, 100, 0), (2, 33, 1), (5, 200, 1), (20, 70, 1), (3, 0, 0), (0, 5, 0)]:
    given = {"x": random.standard_normal((batch, steps, 3)).astype("f4")}
    if ragged:
        given["T"] = random.integers(0, steps + 1, batch).astype("i4")
    np.savez(folder / "in.npz", **given)
    want = predict("together", 1)
    for name in ("together", "apart", "short", "few"):
        alone = predict(name, 1)
        for key, value in alone.items():
            # A product of few rows adds up in another order; the states are below 1.
            assert np.allclose(value, want[key], rtol=0, atol=2e-6), (name, batch, steps, key)
        for threads in (2, 3):
            team = predict(name, threads)
            assert all(np.array_equal(team[key], alone[key]) for key in alone), (name, batch, steps, threads)
