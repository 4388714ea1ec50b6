"""attention.py FOLDER: whether weights are shares of what is there, and those that they should be."""
import math
import pathlib
import subprocess
import sys

import npz

folder = pathlib.Path(sys.argv[1])
data = npz.read_flat(folder / "data.npz")
(count, rows, columns), weights = npz.read_flat(folder / "reverse.npz")["weights"]
for example in range(count):
    steps, symbols = int(data["T"][1][example]), int(data["S"][1][example])
    for row in range(rows):
        at = (example * rows + row) * columns
        shares = weights[at:at + columns]
        wanted = 1 if row < steps else 0
        assert abs(sum(shares) - wanted) < 1e-5, (example, row, sum(shares))
        assert all(share == 0 for share in shares[symbols:]), "past the end"
        assert wanted == 0 or all(share > 0 for share in shares[:symbols])
print(f"weights of {count} sequences are shares")

w, x = [0.5, -2.0], [[[1.0, 0.5], [0.2, 0.1], [-1.0, 0.3]]]
npz.write(folder / "w.npz", {"w": w})
npz.write(folder / "in.npz", {"x": x, "y": [0.0]})
subprocess.run(["rnnc", "run", folder / "pool.rnn", "Pool.attention", "--weights", folder / "w.npz",
                "--in", folder / "in.npz", "--out", folder / "pool.npz", "-O", "1"], check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
found = npz.read_flat(folder / "pool.npz")["weights"][1]
scores = [math.exp(sum(a * b for a, b in zip(w, step))) for step in x[0]]
for got, score in zip(found, scores):
    assert abs(got - score / sum(scores)) < 1e-6, (found, scores)
print("pooled weights agree")
