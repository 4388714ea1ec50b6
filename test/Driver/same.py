#!/usr/bin/env python3
"""same.py A.npz B.npz TOLERANCE: fails unless both hold the same arrays."""
import sys

from npz import read_flat

a, b, tolerance = read_flat(sys.argv[1]), read_flat(sys.argv[2]), float(sys.argv[3])
if sorted(a) != sorted(b):
    sys.exit(f"{sorted(a)} against {sorted(b)}")
for name in a:
    if a[name][0] != b[name][0]:
        sys.exit(f"{name}: {a[name][0]} against {b[name][0]}")
    largest = max([1.0] + [abs(x) for x in a[name][1]])
    for i, (x, y) in enumerate(zip(a[name][1], b[name][1])):
        if not abs(x - y) <= tolerance * largest:
            sys.exit(f"{name}[{i}]: {x} against {y}")
