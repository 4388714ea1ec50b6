"""Makes arguments of the adding problem, or compares two files of arrays."""
import array
import json
import random
import struct
import sys
import zipfile


def npy(kind, shape, data):
    head = "{'descr': '<%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data


def make(path):
    draw = random.Random(1)
    x = array.array("d", (draw.random() for _ in range(3 * 7 * 2)))
    y = array.array("d", (draw.random() for _ in range(3)))
    lengths = array.array("i", [7, 3, 0])
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", npy("f8", (3, 7, 2), x.tobytes()))
        file.writestr("y.npy", npy("f8", (3,), y.tobytes()))
        file.writestr("T.npy", npy("i4", (3,), lengths.tobytes()))


def read(path):
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + size])
    head.pop("__metadata__", None)
    out = {}
    for name, entry in head.items():
        begin, end = entry["data_offsets"]
        out[name] = array.array("d", raw[8 + size + begin:8 + size + end])
    return out


if len(sys.argv) == 2:
    make(sys.argv[1])
    sys.exit()
a, b = read(sys.argv[1]), read(sys.argv[2])
assert a.keys() == b.keys()
for name, values in a.items():
    scale = max([1e-3] + [abs(v) for v in values])
    worst = max([0] + [abs(u - v) for u, v in zip(values, b[name])])
    assert worst <= 1e-10 * scale, (name, worst, scale)
assert any(any(v) for v in a.values())
print(len(a), "arrays agree")
