#!/usr/bin/env python3
"""broken_files.py DIR: writes array files that lie about themselves, each with a
name that says how."""
import json
import os
import struct
import sys
import zipfile

out = sys.argv[1]


def write(name, content):
    with open(os.path.join(out, name), "wb") as f:
        f.write(content)


def safetensors(header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(shape, offsets, dtype="I32"):
    return {"text": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def npy(shape="(1, 2)", body=b"\1\0\0\0\2\0\0\0", descr="'<i4'", length=None):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    size = len(header) if length is None else length
    return b"\x93NUMPY\1\0" + struct.pack("<H", size) + header + body


def npz(member, compressed=False):
    path = os.path.join(out, "plain.npz")
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("text.npy", member)
    with open(path, "rb") as f:
        content = f.read()
    os.remove(path)
    return content


def patched(content, mark, offset, value):
    """`content` with bytes replaced behind the last `mark`."""
    at = content.rindex(mark) + offset
    return content[:at] + value + content[at + len(value):]


two = struct.pack("<2i", 1, 2)
write("good.safetensors", safetensors(entry([1, 2], [0, 8]), two))
write("short.safetensors", b"\1\2\3")
write("length.safetensors", safetensors({}, length=2 ** 64 - 1))
write("length-one-more.safetensors", safetensors(entry([1, 2], [0, 8]), length=10 ** 4))
write("json.safetensors", safetensors(b'{"text":'))
write("utf8.safetensors", safetensors(b'{"\xff":1}'))
write("deep.safetensors", safetensors(b"[" * 100000 + b"]" * 100000))
write("list.safetensors", safetensors([1, 2]))
write("number.safetensors", safetensors({"text": 7}))
write("type.safetensors", safetensors(entry([1, 2], [0, 4], "F16"), two))
write("huge.safetensors", safetensors(entry([2 ** 40, 2 ** 40], [0, 8]), two))
write("negative.safetensors", safetensors(entry([-1, 2], [0, 8]), two))
write("wraps.safetensors", safetensors(entry([2 ** 62, 4], [0, 0]), two))
write("turned.safetensors", safetensors(entry([1, 2], [8, 0]), two))
write("behind.safetensors", safetensors(entry([1, 2], [8, 16]), two))
write("far.safetensors", safetensors(entry([1, 2], [2 ** 64 - 8, 2 ** 64 - 1]), two))
write("fewer.safetensors", safetensors(entry([1, 2], [0, 7]), two))
other = {"other": {"dtype": "I32", "shape": [1], "data_offsets": [4, 8]}}
write("trailing.safetensors", safetensors(entry([1, 2], [0, 8]), two + b"abc"))
write("overlap.safetensors", safetensors(entry([1, 2], [0, 8]) | other, two))
write("hole.safetensors", safetensors(entry([1, 1], [0, 4]) | {"other": {
    "dtype": "I32", "shape": [1], "data_offsets": [8, 12]}}, two + two))
write("first.safetensors", safetensors(entry([1, 1], [4, 8]), two))
write("twice.safetensors", safetensors(
    b'{"text":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]},'
    b'"text":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]}}', two))
write("blank.safetensors", safetensors(b" " + json.dumps(entry([1, 2], [0, 8])).encode(), two))
write("metadata.safetensors", safetensors({"__metadata__": {"a": 1}}))

write("good.npz", npz(npy()))
write("packed.npz", npz(npy(), compressed=True))
write("cut.npz", npz(npy())[:-30])
write("text.npz", b"PK\5\6")
write("member.npz", npz(b"not an array"))
write("header.npz", npz(npy(length=65000)))
write("type.npz", npz(npy(descr="'<c16'")))
write("shape.npz", npz(npy(shape="(1, 2")))
write("huge.npz", npz(npy(shape="(1099511627776, 1099511627776)")))
write("negative.npz", npz(npy(shape="(-1, 2)")))
write("more.npz", npz(npy(shape="(1, 3)")))
# The central directory: sizes at 20 and 24, the local header's offset at 42.
good = npz(npy(), compressed=True)
write("offset.npz", patched(good, b"PK\1\2", 42, struct.pack("<I", 2 ** 31)))
write("packed-size.npz", patched(good, b"PK\1\2", 20, struct.pack("<I", 2 ** 31)))
write("size.npz", patched(good, b"PK\1\2", 24, struct.pack("<I", 2 ** 32 - 2)))
write("zip64.npz", patched(good, b"PK\1\2", 24, struct.pack("<I", 2 ** 32 - 1)))
write("method.npz", patched(good, b"PK\1\2", 10, struct.pack("<H", 99)))
write("count.npz", patched(good, b"PK\5\6", 10, struct.pack("<H", 9)))
write("bits.npz", good.replace(b"NUMPY", b"MUNPY") if b"NUMPY" in good else
      patched(good, b"PK\3\4", 46, b"\xff\xff\xff\xff"))
