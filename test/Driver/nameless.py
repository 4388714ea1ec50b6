#!/usr/bin/env python3
"""nameless.py IN OUT: weights without their metadata."""
import json
import struct
import sys

with open(sys.argv[1], "rb") as f:
    size, = struct.unpack("<Q", f.read(8))
    header = json.loads(f.read(size))
    body = f.read()
del header["__metadata__"]
text = json.dumps(header).encode()
with open(sys.argv[2], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + body)
