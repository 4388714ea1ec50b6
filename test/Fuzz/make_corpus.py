"""make_corpus.py SOURCE OUT: first inputs of the fuzzers, made from the examples and the tests,
and a dictionary of the language's words."""
import io
import json
import pathlib
import random
import re
import struct
import sys
import zipfile

source, out = map(pathlib.Path, sys.argv[1:])
rng = random.Random(1)


def put(kind, name, content):
    folder = out / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def npz(arrays):
    """A .npz of float32 zeros, without numpy."""
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w") as archive:
        for name, shape in arrays.items():
            count = 1
            for size in shape:
                count *= size
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
            header += " " * ((64 - (len(header) + 11) % 64) % 64) + "\n"
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                             header.encode() + bytes(4 * count))
    return bytes_.getvalue()


def safetensors(tensors):
    header, at = {}, 0
    for name, shape in tensors.items():
        count = 1
        for size in shape:
            count *= size
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        at += 4 * count
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


words = set()
for path in sorted(source.rglob("*.rnn")):
    if "build" in path.parts[len(source.parts)][:5]:
        continue
    text = path.read_text(errors="replace")
    words |= set(re.findall(r"[a-z_]{2,}", text)) if "Std" in path.parts else set()
    if len(text) < 6000:
        put("source", path.stem + f"-{len(text)}.rnn", text)
for path in sorted((source / "test/Frontend/errors").glob("*.test")):
    for i, part in enumerate(path.read_text().split("#--- ")[1:]):
        if part.split("\n")[0].endswith(".rnn"):
            put("source", f"{path.stem}-{i}.rnn", part.split("\n", 1)[1])
signs = ["->", "++", ">>", "<=", ">=", "==", "!=", "'", "@", "~", "^", "as [", " in ", "//", "**"]
(out / "source.dict").write_text("".join(
    f'"{word}"\n' for word in sorted(words) + signs + ["\\xef\\xbb\\xbf", "\\xe2\\x80\\x99"]))

texts = {0: "to be or not to be\nthat is\n\n",
         1: 'mood,words\n1,"a, ""b"" c"\n0,d e\n', 2: "mood\twords\n1\ta b\n0\tc\n",
         3: "1 a b c\n0 d\n", 4: '{"words": ["a", "b"], "mood": "x"}\n{"words": [], "mood": "y"}\n'}
for model in range(4):
    for form, text in texts.items():
        put("data", f"{model}-{form}", bytes([4 * form + model, rng.randrange(256)]) + text.encode())
    put("data", f"{model}-numbers", bytes([4 + model, 0]) + b"x,y\n1.5,2\n-3e4,0\n")
    put("data", f"{model}-npz", bytes([20 + model, 0]) +
        npz({"x": (2, 3, 2), "y": (2,), "words": (2, 3), "mood": (2,), "T": (2,)}))
put("weights", "toy", safetensors({"a.w": [2, 3], "a.b": [2, 3]}))
put("weights", "meta", safetensors({"a.w": [2, 3]}).replace(b"}}", b"}  }"))
put("weights", "npz", npz({"x": (2, 3), "y": ()}))
options = {"format": 1, "model": "M", "program": "model.rnn", "vocabularies": ["V"],
           "compile": {"dims": {"V": 3}, "precision": "f32", "opt": 3, "fast_math": False},
           "read": {"format": "auto", "tokens": "words"}, "split": "80/10/10"}
vocabulary = {"symbols": ["<unk>", "a", "b"]}
put("run", "whole", "@@ options.json\n" + json.dumps(options) + "\n@@ vocabulary.V.json\n" +
    json.dumps(vocabulary) + "\n@@ report.json\n" + json.dumps({"weights": "best.safetensors"}) +
    "\n@@ model.rnn\nmodel M {\n}\n")
(out / "run.dict").write_text("".join(f'"{word}"\n' for word in [
    "@@ options.json\\x0a", "@@ vocabulary.V.json\\x0a", "@@ report.json\\x0a", "null", "true", "-1",
    "1e999", "[]", "{}", "\\\\u0000", "\\\"format\\\":", "\\\"symbols\\\":", "\\\"dims\\\":"]))
