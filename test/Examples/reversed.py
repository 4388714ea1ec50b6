#!/usr/bin/env python3
"""reversed.py DATA.npz PREDICTIONS...: at least 95 of 100 rows of each are the source backward."""
import json
import sys

import numpy as np

data = np.load(sys.argv[1])
want = [row[:n - 1].tolist() for row, n in zip(data["tgt"], data["T"])]
for path in sys.argv[2:]:
    with open(path) as file:
        rows = [one["tgt"]["label"] for one in json.load(file)["predictions"]]
    if rows and rows[0] and isinstance(rows[0][0], list):
        rows = [row[0] for row in rows]  # the best
    right = sum(row == given for row, given in zip(rows, want))
    print(f"{path}: {right} of {len(want)}")
    assert len(rows) == len(want) and right >= 0.95 * len(want), path
