"""accumulate.py FOLDER: updates of several batches against those of one batch with all of
their examples, in f64; cut trainings and two threads give the same bytes."""
import json
import pathlib
import random
import struct
import subprocess
import sys

import npz

EXAMPLES, LONGEST = 14, 6
MODELS = {"tags": ("tags : [T] in K", "tags ~ categorical(for t in T: V @ h[t])", ""),
          "mood": ("mood : in K", "mood ~ categorical(V @ last(h))", ""),
          "both": ("tags : [T] in K, mood : in K",
                   "tags ~ categorical(for t in T: V @ h[t])\n  mood ~ categorical(V @ last(h))", "per example")}
folder = pathlib.Path(sys.argv[1])
draw = random.Random(1)
lengths = [0, 1, LONGEST] + [draw.randint(1, LONGEST) for _ in range(EXAMPLES - 3)]
npz.write(folder / "rows.npz", {
    "x": [[[draw.uniform(-1, 1) for _ in range(2)] for _ in range(LONGEST)] for _ in lengths], "T": lengths,
    "tags": [[draw.randrange(3) for _ in range(LONGEST)] for _ in lengths],
    "mood": [draw.randrange(3) for _ in lengths]})


def source(name, settings):
    output, predict, per = MODELS[name]
    path = folder / "m.rnn"
    path.write_text(f"""import std
dim K = 3, H = 4
model M {{
  time T
  input x : [T, 2]
  output {output}
  use net = gru[2, H]
  param V : [K, H] ~ glorot
  h = scan net over x
  {predict}
}}
train M {{
  optimize adam(lr = 0.05)
  clip global_norm 0.3
  epochs 6
  precision f64
  {per}
  {settings}
}}
""")
    return path


def train(model, out, *options, data="rows.npz"):
    subprocess.run(["rnnc", "train", "-O0", model, "--data", folder / data, "--out", folder / out, "--quiet", *options],
                   check=True, stdout=subprocess.DEVNULL)
    return (folder / out / "last.safetensors").read_bytes()


def numbers(data):
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: struct.unpack(f"<{(end - begin) // 8}d", data[8 + size + begin:8 + size + end])
            for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F64"
            for begin, end in [entry["data_offsets"]] if not name.startswith("trainer.")}


def losses(out):
    lines = map(json.loads, (folder / out / "log.jsonl").read_text().splitlines())
    return [(line["loss"], line["norm"]) for line in lines if "loss" in line]


def near(a, b, what):
    assert len(a) == len(b), (what, len(a), len(b))
    for one, other in zip(a, b):
        assert abs(one - other) < 1e-9, (what, one, other)


for name in MODELS:
    whole = numbers(train(source(name, f"batch {EXAMPLES}"), f"{name}.whole"))
    for batch, count in (5, 3), (3, 100):
        out = f"{name}.{batch}"
        for key, value in numbers(train(source(name, f"batch {batch}\n  accumulate {count}"), out)).items():
            near(value, whole[key], (out, key))
        for one, other in zip(losses(out), losses(f"{name}.whole"), strict=True):
            near(one, other, (out, "loss and norm"))
# Fewer batches are left for the last update of an epoch: 14 examples are 12 and 2.
train(source("mood", "batch 4\n  accumulate 3"), "tail")
assert len(losses("tail")) == 12

# Chunks of a text, one after the other; masks of dropout differ from batch to batch.
(folder / "text.txt").write_text("".join(draw.choice("abc d") for _ in range(600)))
text = folder / "text.rnn"
text.write_text("""import std
dim V
cell step(prev: in V) -> categorical[V] {
  param Emb : [V, 4] ~ normal(0, 1)
  use net = lstm[4, 6], head = dense[6, V]
  out categorical(head(dropout(net(Emb[prev]), 0.3)))
}
model Text {
  time T
  output text : [T] in V
  use lm = step
  text ~ unfold lm start 0
}
train Text {
  bptt 10 carry
  batch 4
  accumulate 4
  clip norm 1
  epochs 2
}
""")
parts = train(text, "text", data="text.txt")
assert train(text, "text.two", "--threads", "2", data="text.txt") == parts
train(text, "text.cut", "--steps", "3", data="text.txt")
assert train(text, "text.cut", "--epochs", "2", "--resume", data="text.txt") == parts
print("all batches together are one")
