#!/usr/bin/env python3
"""What becomes of numbers that are not finite.

    log RUN       the log of a training that failed has losses and norms as they were
    step FOLDER   one update of each program there, compiled and interpreted
    spoil FILE    makes an entry of the first parameter NaN
"""
import json
import math
import struct
import subprocess
import sys

import npz


def log(run):
    lines = [json.loads(line) for line in open(run + "/log.jsonl")]
    updates = [line for line in lines if "loss" in line]
    assert len(updates) >= 100, len(updates)
    losses = [float(line["loss"]) for line in updates]
    assert not math.isfinite(losses[-1]) and math.isfinite(losses[0]), losses
    for line in updates:
        norms = {name: float(norm) for name, norm in line["norms"].items()}
        assert sorted(norms) == ["net.U", "net.W", "net.b", "w"], norms
        whole = math.sqrt(sum(norm ** 2 for norm in norms.values()))
        norm = float(line["norm"])
        # Four digits each; a norm beyond f32 is infinite as a result.
        assert whole == norm or abs(whole - norm) <= 1e-3 * norm or not math.isfinite(norm), line
    report = json.load(open(run + "/report.json"))
    assert report["failed"]["since"] == len(updates) - 99, report["failed"]
    assert set(report["gradient_norms"]["net.U"]) >= {"last", "mean", "largest"}
    assert not math.isfinite(float(report["valid"]["loss"]))


def step(folder):
    npz.write(folder + "/x.npz", {"x": [[[1.0, 2.0], [3.0, 0.5]]]})
    for name in ["gradient", "update", "decay"]:
        for how in ["compiled", "reference"]:
            command = ["rnnc", "run", f"{folder}/{name}.rnn", "train_step", "--in", folder + "/x.npz",
                       "--precision", "f64", "--reference" if how == "reference" else "-O0"]
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            print(f"{name} {how}: {run.returncode} {run.stdout.strip().splitlines()[-1]}")


def spoil(path):
    content = bytearray(open(path, "rb").read())
    size = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:8 + size])
    name = next(name for name in header if name.endswith("W"))
    begin = header[name]["data_offsets"][0]
    struct.pack_into("<f", content, 8 + size + begin + 4, math.nan)
    open(path, "wb").write(content)


{"log": log, "step": step, "spoil": spoil}[sys.argv[1]](*sys.argv[2:])
