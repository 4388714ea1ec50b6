#!/usr/bin/env python3
"""transfer.py OLD NEW: the weights of a training that began with those of another,
symbol by symbol. Prints what is shared."""
import json
import struct
import sys


def read(run):
    with open(f"{run}/last.safetensors", "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        body = f.read()
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32" or name.startswith("optimizer."):
            continue
        begin, end = entry["data_offsets"]
        arrays[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // 4}f", body[begin:end]))
    return json.load(open(f"{run}/vocabulary.V.json")), arrays


(old, before), (new, after) = read(sys.argv[1]), read(sys.argv[2])
def same(a, b):
    """The update of 1e-30 shows where a weight was 0."""
    return len(a) == len(b) and all(abs(x - y) < 1e-25 for x, y in zip(a, b))


shared = [s for s in new if s in old]


def row(arrays, name, words, *symbols):
    """The entries that belong to the symbols: axes of the vocabulary come first."""
    shape, numbers = arrays[name]
    for symbol in symbols:
        assert shape[0] == len(words), (name, shape)
        inner = len(numbers) // shape[0]
        at = words.index(symbol)
        shape, numbers = shape[1:], numbers[at * inner:(at + 1) * inner]
    return numbers


for name in before:
    if name.startswith("lm.rnn."):
        assert same(before[name][1], after[name][1]), name
        continue
    for s in shared:
        if name != "lm.Pair":
            assert same(row(before, name, old, s), row(after, name, new, s)), (name, s)
            continue
        for t in shared:
            assert same(row(before, name, old, s, t), row(after, name, new, s, t)), (s, t)
print(f"{len(shared)} of {len(new)} shared")
