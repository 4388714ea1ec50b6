"""safetensors.py FILE: reads a file as strictly as the format's reference reader
does, and prints what it holds."""
import json
import struct
import sys

raw = open(sys.argv[1], "rb").read()
length, = struct.unpack("<Q", raw[:8])
assert length % 8 == 0 and raw[8] == ord("{"), "the data is aligned, the header begins at once"
header = json.loads(raw[8:8 + length])
metadata = header.pop("__metadata__")
assert all(isinstance(v, str) for v in metadata.values())
at = 0
for name, entry in sorted(header.items(), key=lambda e: e[1]["data_offsets"]):
    begin, end = entry["data_offsets"]
    count = 1
    for size in entry["shape"]:
        count *= size
    assert begin == at, "no holes, no overlap"
    assert end - begin == count * {"F32": 4, "F64": 8}[entry["dtype"]]
    at = end
    print(name, entry["dtype"], entry["shape"])
assert at == len(raw) - 8 - length, "nothing behind the last"
print("metadata", metadata)
