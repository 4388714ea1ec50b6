#!/usr/bin/env python3
"""deep.py FOLDER: the same numbers along several time axes as lists (table.jsonl) and as arrays
(table.npz), with nonsense in the padding; lengths.npz lacks an axis of its lengths."""
import json
import math
import pathlib
import random
import struct
import sys
import zipfile

folder, rng = pathlib.Path(sys.argv[1]), random.Random(4)
EXAMPLES, T, S, L = 4, 3, 2, 3


def padded(value, shape):
    """The numbers of nested lists in an array of that shape."""
    if not shape:
        return [value]
    value = list(value) + [None] * (shape[0] - len(value))
    empty = [99.0] * (math.prod(shape[1:]))
    return sum((empty if v is None else padded(v, shape[1:]) for v in value), [])


def save(path, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, (kind, shape, values) in arrays.items():
            header = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
            header += " " * (63 - (len(header) + 10) % 64) + "\n"
            data = struct.pack(f"<{len(values)}{'i' if kind == 'i4' else 'd'}", *values)
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


number = lambda: round(rng.uniform(-1, 1), 3)
rows, lengths = [], {"T": [], "S": [], "L": []}
for example in range(EXAMPLES):
    t, s = (T, S) if example == 0 else (rng.randint(0, T), rng.randint(0, S))
    each = [[rng.randint(0, L) for _ in range(s)] for _ in range(t)]
    rows.append({
        "x": [[number() for _ in range(t)] for _ in range(2)],
        "z": [[number() for _ in range(s)] for _ in range(t)],
        "w": [number() for _ in range(s)],
        "deep": [[[[number(), number()] for _ in range(n)] for n in row] for row in each],
        "y": number(),
        "v": [[number() for _ in range(s)] for _ in range(t)]})
    lengths["T"].append(t)
    lengths["S"].append(s)
    lengths["L"].append(each)
(folder / "table.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
shapes = {"x": [2, T], "z": [T, S], "w": [S], "deep": [T, S, L, 2], "y": [], "v": [T, S]}
arrays = {name: ("f8", [EXAMPLES, *shape], padded([row[name] for row in rows], [EXAMPLES, *shape]))
          for name, shape in shapes.items()}
arrays["T"] = ("i4", [EXAMPLES], lengths["T"])
arrays["S"] = ("i4", [EXAMPLES], lengths["S"])
whole = [int(x) for x in padded(lengths["L"], [EXAMPLES, T, S])]
save(folder / "table.npz", {**arrays, "L": ("i4", [EXAMPLES, T, S], whole)})
save(folder / "lengths.npz", {**arrays, "L": ("i4", [EXAMPLES, T], [1] * (EXAMPLES * T))})
