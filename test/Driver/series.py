#!/usr/bin/env python3
"""series.py write FILE: a series of two columns, a date and a word beside them.
series.py again FILE COLUMN... HORIZON BEGIN END EVAL.json [stretch]: holds the error
that `eval` gave against that of repeating the last value, over the rows [BEGIN, END)."""
import csv
import json
import math
import sys

if sys.argv[1] == "write":
    state = 1
    with open(sys.argv[2], "w") as f:
        f.write('"Date","Temp",Wind,sky\n')
        for day in range(400):
            state = (state * 1103515245 + 12345) % 2 ** 31
            noise = state / 2 ** 31
            f.write(f"2001-{1 + day // 28 % 12:02}-{1 + day % 28:02},"
                    f"{20 + 8 * math.sin(day / 9) + noise:.3f},{100 * noise + day:.2f},"
                    f"{'sun' if noise > 0.5 else 'rain'}\n")
    sys.exit()

stretch = sys.argv[-1] == "stretch"
path, *columns, horizon, begin, end, result = sys.argv[2:len(sys.argv) - stretch]
horizon, begin, end = int(horizon), int(begin), int(end)
with open(path) as f:
    rows = list(csv.DictReader(f))
squares = []
for column in columns:
    values = [float(row[column]) for row in rows]
    if stretch:  # each stretch of rows is predicted from the row before it
        squares += [(values[t + k] - values[t - 1]) ** 2
                    for t in range(begin, end - horizon + 1) for k in range(horizon)]
    else:
        squares += [(values[t] - values[t - horizon]) ** 2 for t in range(begin, end)]
expected = math.sqrt(sum(squares) / len(squares))
found = json.load(open(result))["outputs"]["y"]["rmse"]
# The library computes in f32, over values of a few deviations.
assert abs(found - expected) < 2e-6 * expected + 1e-6, (found, expected)
print(f"agrees over {len(squares)} values")
