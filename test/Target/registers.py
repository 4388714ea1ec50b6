#!/usr/bin/env python3
"""registers.py RNNC SOURCE FOLDER: one epoch with chunks of four steps, as in SOURCE, and one without."""
import json
import pathlib
import subprocess
import sys

import numpy as np

tool, source, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
draw = np.random.default_rng(1)
np.savez(folder / "data.npz", x=draw.normal(size=(1, 12, 2)), y=draw.normal(size=(1, 12)))
means = {}
for name, text in (("chunks", source.read_text()), ("whole", source.read_text().replace("bptt 4 carry", ""))):
    model = folder / f"{name}.rnn"
    model.write_text(text)
    subprocess.run([tool, "train", model, "--data", folder / "data.npz", "--out", folder / name, "--seed", "3",
                    "--precision", "f64", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    records = [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]
    losses = [record["loss"] for record in records if "rate" in record]
    means[name] = sum(losses) / len(losses)
    print(f"{name}: {len(losses)} updates")
assert abs(means["chunks"] - means["whole"]) < 1e-9, means
