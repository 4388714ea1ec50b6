#!/usr/bin/env python3
"""same.py A.npz B.npz TOLERANCE: fails unless both hold the same arrays."""
import ast
import struct
import sys
import zipfile


def read(path):
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            raw = archive.read(entry)
            length = struct.unpack("<H", raw[8:10])[0]
            header = ast.literal_eval(raw[10:10 + length].decode())
            code = {"<i4": "i", "<i8": "q", "<f4": "f", "<f8": "d"}[header["descr"]]
            body = raw[10 + length:]
            count = len(body) // struct.calcsize(code)
            arrays[entry[:-4]] = (header["shape"], struct.unpack(f"<{count}{code}", body))
    return arrays


a, b, tolerance = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
if sorted(a) != sorted(b):
    sys.exit(f"{sorted(a)} against {sorted(b)}")
for name in a:
    if a[name][0] != b[name][0]:
        sys.exit(f"{name}: {a[name][0]} against {b[name][0]}")
    largest = max([1.0] + [abs(x) for x in a[name][1]])
    for i, (x, y) in enumerate(zip(a[name][1], b[name][1])):
        if not abs(x - y) <= tolerance * largest:
            sys.exit(f"{name}[{i}]: {x} against {y}")
