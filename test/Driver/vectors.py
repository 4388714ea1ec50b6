"""vectors.py RUN FILE: the rows of Emb in a training's weights, of the words in FILE."""
import json
import pathlib
import struct
import sys

data = pathlib.Path(sys.argv[1], "last.safetensors").read_bytes()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
begin, end = (8 + size + at for at in header["Emb"]["data_offsets"])
numbers = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
words = json.loads(header["__metadata__"]["vocabulary.V"])
width = header["Emb"]["shape"][1]
seen = set()
for line in pathlib.Path(sys.argv[2]).read_text().splitlines():
    word = line.split(" ")[0]
    if word in words and word not in seen:
        seen.add(word)
        print(word, list(numbers[words.index(word) * width:][:width]))
