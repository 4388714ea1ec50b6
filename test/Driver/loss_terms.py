"""loss_terms.py: `rnnc eval` in batches of several sizes against the loss as it is defined,
for a model with two outputs of different counts and a `loss`, and for one with a `loss` alone."""
import json
import math
import pathlib
import random
import struct
import subprocess
import sys

import npz

BOTH = """model M {
  time T
  input x : [T]
  output y : [T]
  output z : real
  param w : real = 0.5
  y ~ for t in T: normal(w * x[t], 1)
  z ~ normal(w * sum(x), 2)
  loss 3 * sum(x)^2
}
train M { epochs 1
  optimize sgd(lr = 0.001)
  batch 3
}
"""
BOTH = BOTH.replace("  loss w * z_free\n", "  loss 3 * sum(x)^2\n")
ALONE = """model M {
  time T
  input x : [T], z : real
  param w : real = 0.5
  loss (w * sum(x) - z)^2
}
train M { epochs 1
  optimize sgd(lr = 0.001)
  batch 3
}
"""

rng = random.Random(1)
rows = 17
lengths = [rng.randint(1, 9) for _ in range(rows)]
x = [[rng.gauss(0, 1) for _ in range(9)] for _ in range(rows)]
y = [[rng.gauss(0, 1) for _ in range(9)] for _ in range(rows)]
z = [rng.gauss(0, 3) for _ in range(rows)]
npz.write("both.npz", {"x": x, "y": y, "z": z, "T": lengths})
npz.write("alone.npz", {"x": x, "z": z, "T": lengths})


def call(*arguments):
    done = subprocess.run(["rnnc", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stderr}")
    return done.stdout


def normal(value, mean, deviation):
    return ((value - mean) / deviation) ** 2 / 2 + math.log(deviation * math.sqrt(2 * math.pi))


def weight(run):
    raw = pathlib.Path(run, "last.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    begin = json.loads(raw[8:8 + size])["w"]["data_offsets"][0]
    return struct.unpack("<f", raw[8 + size + begin:12 + size + begin])[0]


sums = [sum(x[i][:lengths[i]]) for i in range(rows)]
for name, source in (("both", BOTH), ("alone", ALONE)):
    pathlib.Path(name + ".rnn").write_text(source)
    call("train", "-O0", name + ".rnn", "--data", name + ".npz", "--out", name, "--quiet")
    w = weight(name)
    if name == "both":
        steps = [normal(y[i][t], w * x[i][t], 1) for i in range(rows) for t in range(lengths[i])]
        wanted = (sum(steps) / len(steps) + sum(normal(z[i], w * sums[i], 2) for i in range(rows)) / rows
                  + sum(3 * s * s for s in sums) / rows)
    else:
        wanted = sum((w * sums[i] - z[i]) ** 2 for i in range(rows)) / rows
    for batch in ("1", "4", "100"):
        got = json.loads(call("eval", name, "--data", name + ".npz", "--batch", batch, "--json"))["loss"]
        if abs(got - wanted) > 1e-5 * wanted:
            sys.exit(f"{name}, --batch {batch}: {got}, should be {wanted}")
print("the same in all batches")
