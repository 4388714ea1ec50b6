"""transcription.py RNNC FOLDER: labels of unknown places are learned, predicted and counted."""
import json
import pathlib
import subprocess
import sys

import numpy as np

rnnc, folder = sys.argv[1], pathlib.Path(sys.argv[2])
SOURCE = """
import std
dim F = 4, K, H = 16
model Speech {
  time T, L
  input  x : [T, F]
  output y : [L] in K
  use enc = bigru[F, H], head = dense[2*H, K]
  y ~ ctc(head(enc(x)))
}
train Speech {
  optimize adam(lr = 1e-2)
  clip     global_norm 5
}
"""


def call(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


def make(rng, path, count):
    """Each label is shown for one to three steps, with pauses in between."""
    labels = [rng.integers(1, 5, size=rng.integers(1, 6)) for _ in range(count)]
    steps = [np.concatenate([np.concatenate([np.tile(np.eye(4)[k - 1], (rng.integers(1, 4), 1)),
                                             np.zeros((rng.integers(1, 3), 4))]) for k in row]) for row in labels]
    x = np.zeros((count, max(map(len, steps)), 4), np.float32)
    y = np.zeros((count, 5), np.int32)
    for i, (row, shown) in enumerate(zip(labels, steps)):
        y[i, :len(row)] = row
        x[i, :len(shown)] = shown + rng.normal(size=shown.shape) * 0.2
    lengths = {"T": np.array([len(s) for s in steps], np.int32), "L": np.array([len(r) for r in labels], np.int32)}
    np.savez(path, x=x, y=y, **lengths)
    return labels


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, p in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, q in enumerate(b):
            last, row[j + 1] = row[j + 1], min(last + (p != q), row[j] + 1, row[j + 1] + 1)
    return row[-1]


rng = np.random.default_rng(1)
(folder / "speech.rnn").write_text(SOURCE)
make(rng, folder / "train.npz", 200)
truths = make(rng, folder / "test.npz", 50)
for epochs, limit in (("3", 1.0), ("25", 0.1)):
    run = folder / f"run{epochs}"
    call(rnnc, "train", folder / "speech.rnn", "--data", folder / "train.npz", "--out", run, "--epochs", epochs,
         "--seed", "1")
    report = json.loads(call(rnnc, "eval", run, "--data", folder / "test.npz", "--json"))
    guesses = json.loads(call(rnnc, "predict", run, "--in", folder / "test.npz", "--json"))["predictions"]
    found = [[int(k) for k in row["y"]["label"]] for row in guesses]
    want = sum(edits(list(t), f) for t, f in zip(truths, found))
    rate = want / sum(map(len, truths))
    print(report, rate)
    if report["outputs"]["y"]["edits"] != want or abs(report["label_error_rate"] - rate) > 1e-12 or rate > limit:
        sys.exit(f"{want} edits, a rate of {rate}")
