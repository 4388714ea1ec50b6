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
import zlib

source, out = map(pathlib.Path, sys.argv[1:])
rng = random.Random(1)


def put(kind, name, content):
    folder = out / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def npz(arrays, packing=zipfile.ZIP_STORED):
    """A .npz of float32 zeros, without numpy."""
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w", packing) as archive:
        for name, shape in arrays.items():
            count = 1
            for size in shape:
                count *= size
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
            header += " " * ((64 - (len(header) + 11) % 64) % 64) + "\n"
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                             header.encode() + bytes(4 * count))
    return bytes_.getvalue()


def npy(shape):
    return npz({"x": shape})[35:]


def png(colour, channels, bits=8):
    """A picture of 2 x 2 pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    head = struct.pack(">IIBBBBB", 2, 2, bits, colour, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(2 * channels * bits // 8)) for _ in range(2))
    palette = chunk(b"PLTE", bytes(range(36))) if colour == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


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

texts = {0: ["to be or not to be\nthat is\n\n"],
         1: ['mood,words\n1,"a, ""b"" c"\n0,d e\n', "x,y\n1.5,2\n-3e4,0\n1,1\n2,2\n3,3\n4,4\n5,5\n",
             "a,b,x,label\n" + "".join(f"{i},{i % 2},{i / 4},L{i % 3}\n" for i in range(12))],
         2: ["mood\twords\n1\ta b\n0\tc\n", "words\ttext\na b\tc d\nb\td\n", "words\ttags\na b\t0 1\nc\t1\n",
             "x\ty\n1 2 3 4\t5\n6 7\t8\n"],
         3: ["1 a b c\n0 d\n"],
         7: ["a b\nc d\n\ne f\n", "# text = ab\n1\ta\tX\n2-3\tb\tY\n"],
         8: ["21 108\n-\n\n60 64\n"],
         9: ["a b\nc\n@@\nx y\nz\n"],
         4: ['{"words": ["a", "b"], "mood": "x"}\n{"words": [], "mood": "y"}\n',
             '{"words": "a b", "tags": [0, 1]}\n', '{"x": [[1, 2], [3, 4]], "y": 5}\n', '{"text": "ab"}\n',
             '{"x": [1.5], "n": [[1, 2]], "label": ["u"]}\n']}
arrays = {"x": (2, 3, 2), "y": (2,), "words": (2, 3), "mood": (2,), "T": (2,), "text": (2, 3), "tags": (2, 3)}
for model in range(8):
    head = lambda form: bytes([form, model + 8 * rng.randrange(2), rng.randrange(256), rng.randrange(256)])
    for form, list_ in texts.items():
        for i, text in enumerate(list_):
            put("data", f"{model}-{form}-{i}", bytes([form, model, 0, 0]) + text.encode())
            put("data", f"{model}-{form}-{i}-any", head(form) + text.encode())
    put("data", f"{model}-utf16", bytes([0, model, 8, 0]) + "to be".encode("utf-16"))
    put("data", f"{model}-npz", bytes([5, model, 0, 0]) + npz(arrays))
    put("data", f"{model}-safetensors", bytes([6, model, 0, 0]) + safetensors(arrays))
table = b"\n@@\nimg\tmood\n0\ta\n1\tb\n"
put("data", "u8", bytes([10, 0, 0, 0]) + bytes(range(24)) + table)
put("data", "npy", bytes([11, 0, 0, 0]) + npy((2, 2, 2, 3)) + table)
for colour, channels in ((0, 1), (2, 3), (3, 1), (4, 2), (6, 4)):
    put("data", f"png-{colour}", bytes([12, 0, 0, 0]) + png(colour, channels))
put("data", "png-deep", bytes([12, 0, 0, 0]) + png(2, 3, 16))
put("data", "pieces", bytes([9, 0, 5, 0]) + b"abab ab\nba\n@@\nx xy\nz\n")
put("vectors", "glove", "a 1 2 3\nb -0.5 .25 1e3\nnew york 9 9 9\n")
put("vectors", "word2vec", "2 3\na 1 2 3\nb 4 5 6\n")
(out / "data.dict").write_text("".join(f'"{word}"\n' for word in [
    "words", "mood", "text", "tags", "label", "<unk>", "<eos>", "nan", "-inf", "1e999", "-0", "2147483647", "2147483648",
    "9223372036854775807", "\\x00", "\\xef\\xbb\\xbf", "\\xff\\xfe", "\\x0d\\x0a", '\\"\\"', "\\\\u0000", "\\\\ud800",
    "[]", "{}", "null", "F64", "I64", "U8", "'<i8'", "'|u1'", "True", "(0,)", "1099511627776", "\\x0a@@\\x0a",
    "IHDR", "PLTE", "IDAT", "tRNS", "_", "-"]))
put("weights", "toy", safetensors({"a.w": [2, 3], "a.b": [2, 3]}))
put("weights", "meta", safetensors({"a.w": [2, 3]}).replace(b"}}", b"}  }"))
put("weights", "npz", npz({"x": (2, 3), "y": ()}))
put("weights", "packed", npz({"x": (40, 3)}, zipfile.ZIP_DEFLATED))
put("weights", "npy", npy((2, 3)))
put("resume", "empty", b"")
options = {"format": 1, "model": "M", "program": "model.rnn", "vocabularies": ["V"],
           "compile": {"dims": {"V": 3}, "precision": "f32", "opt": 3, "fast_math": False},
           "read": {"format": "auto", "tokens": "words", "columns": {"x": "1"},
                    "series": {"rows": "time", "window": 3, "horizon": 1, "stride": 0, "standardise": True,
                               "ahead": {"y": 1}, "scales": {"x": [[0.5, 2.0]]}}},
           "split": "80/10/10", "split_mod": 0, "trained_on": [{"content": "0-1", "units": 3}], "contents": {}}
vocabulary = ["<unk>", "a", "b"]
log = '{"step": 1, "loss": 2.5, "seconds": 1}\n{"step": 2, "valid": {"loss": 2, "accuracy": 0.5}}\n'
put("run", "whole", "@@ options.json\n" + json.dumps(options) + "\n@@ vocabulary.V.json\n" +
    json.dumps(vocabulary) + "\n@@ report.json\n" + json.dumps({"weights": "best.safetensors"}) +
    "\n@@ model.rnn\nmodel M {\n}\n@@ log.jsonl\n" + log + "@@ best.safetensors\n" +
    safetensors({"a.w": [1]}).decode())
(out / "run.dict").write_text("".join(f'"{word}"\n' for word in [
    "@@ options.json\\x0a", "@@ vocabulary.V.json\\x0a", "@@ report.json\\x0a", "null", "true", "-1",
    "1e999", "[]", "{}", "\\\\u0000", "\\\"format\\\":", "\\\"symbols\\\":", "\\\"dims\\\":"]))
