#!/usr/bin/env python3
"""arrays.py FILE.npz NAME:TYPE=SHAPE:VALUES ...: writes arrays, without numpy."""
import struct
import sys
import zipfile

path, *arrays = sys.argv[1:]
with zipfile.ZipFile(path, "w") as archive:
    for array in arrays:
        name, rest = array.split(":", 1)
        kind, rest = rest.split("=", 1)
        shape, values = rest.split(":", 1)
        size = "".join(f"{n}, " for n in shape.split(",") if n)
        header = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': ({size}), }}"
        header += " " * (63 - (len(header) + 10) % 64) + "\n"
        code = {"i4": "i", "i8": "q", "f4": "f", "f8": "d"}[kind]
        numbers = [float(v) if kind[0] == "f" else int(v) for v in values.split(",") if v]
        archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                         header.encode() + struct.pack(f"<{len(numbers)}{code}", *numbers))
