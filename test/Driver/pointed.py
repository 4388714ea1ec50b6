#!/usr/bin/env python3
"""pointed.py TRAIN.npz PAST.npz: points, and which of them is nearest to another; in PAST the
second example says one behind its end."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))
from make_data import npy, npz  # noqa: E402

COUNT, MOST = 600, 6
draw = random.Random(1)
lengths = [draw.randint(2, MOST) for _ in range(COUNT)]
points = [[(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(MOST)] for _ in range(COUNT)]
place = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(COUNT)]
at = [min(range(n), key=lambda t: sum((a - b) ** 2 for a, b in zip(row[t], one)))
      for n, row, one in zip(lengths, points, place)]


def write(path, at, count, lengths):
    pathlib.Path(path).write_bytes(npz([
        ("x", npy((count, MOST, 2), "f4", [v for row in points[:count] for p in row for v in p])),
        ("y", npy((count, 2), "f4", [v for p in place[:count] for v in p])),
        ("at", npy((count,), "i4", at)), ("T", npy((count,), "i4", lengths))]))


write(sys.argv[1], at, COUNT, lengths)
write(sys.argv[2], [0, 3], 2, [3, 3])
