#!/usr/bin/env python3
"""edit_model.py DIR KEY=JSON: changes options.json of a trained model; a key like
a.b is an entry of an entry. edit_model.py DIR position[I]=N: changes where the
checkpoint says training stands."""
import json
import re
import struct
import sys

directory, change = sys.argv[1:]
key, value = change.split("=", 1)
place = re.fullmatch(r"position\[(\d)\]", key)
if place:
    path = directory + "/last.safetensors"
    content = bytearray(open(path, "rb").read())
    size = struct.unpack_from("<Q", content)[0]
    begin = json.loads(content[8:8 + size])["trainer.position"]["data_offsets"][0]
    struct.pack_into("<q", content, 8 + size + begin + 8 * int(place[1]), int(value))
    open(path, "wb").write(content)
else:
    path = directory + "/options.json"
    options = json.load(open(path))
    *outer, last = key.split(".")
    entry = options
    for name in outer:
        entry = entry[name]
    entry[last] = json.loads(value)
    json.dump(options, open(path, "w"))
