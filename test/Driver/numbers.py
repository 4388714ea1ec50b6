"""numbers.py: every option of a verb that takes a number (N, S or X in its help) refuses what
is none, with exit code 2 and its own name in the message."""
import re
import subprocess
import sys

WRONG = ["x", "1x", "0x10", "1e999", "nan", "-1"]
REAL = ["--max-time", "--temperature", "--top-p"]
LARGE = ["9223372036854775808"]  # seeds have 64 bits
POSITIONAL = {"train": ["m.rnn", "--data", "d", "--out", "o"], "eval": ["r", "--data", "d"],
              "predict": ["r"], "sample": ["r"], "run": ["m.rnn", "f"], "gradcheck": ["m.rnn"]}

faults, tried = [], 0
for verb, words in POSITIONAL.items():
    text = subprocess.run(["rnnc", verb, "--help"], capture_output=True, text=True).stdout
    names = re.findall(r"^\s+(--[\w-]+)(?:,--[\w-]+)* [NSX](?:\s|$)", text, re.M)
    if not names:
        sys.exit(f"no options of {verb} found in\n{text}")
    for name in names:
        values = WRONG + ([] if name in REAL or name == "--seed" else LARGE + ["1.5"])
        for value in values:
            tried += 1
            done = subprocess.run(["rnnc", verb, *words, f"{name}={value}"],
                                  capture_output=True, text=True)
            if done.returncode != 2 or name not in done.stderr:
                faults.append(f"{verb} {name}={value}: {done.returncode} {done.stderr}")
for command in (["rnnc", "m.rnn", "-D", "V=x"], ["rnnc", "m.rnn", "-DV=99999999999999999999"],
                ["rnnc", "m.rnn", "--unroll=0"], ["rnnc", "m.rnn", "--unroll-budget=-1"],
                ["rnnc", "m.rnn", "--unroll-budget=99999999999999999999"],
                ["rnnc", "run", "m.rnn", "f", "--set", "x=nan"],
                ["rnnc", "run", "m.rnn", "f", "--length", "T=-1"],
                ["rnnc", "run", "m.rnn", "f", "--length", "T=2147483648"],
                ["rnnc", "train", "m.rnn", "--data", "d", "--out", "o", "--split", "50/60"]):
    tried += 1
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (1, 2) or not done.stderr:
        faults.append(f"{command}: {done.returncode} {done.stderr}")
# `1e3` is a whole number: it is not that which is complained about.
for command in (["rnnc", "train", "m.rnn", "--data", "d", "--out", "o", "--steps=1e3"],
                ["rnnc", "gradcheck", "m.rnn", "--steps", "1e1", "-D", "V=2e1"],
                ["rnnc", "bench", "m.rnn", "--batch", "1,1e1"]):
    tried += 1
    done = subprocess.run(command, capture_output=True, text=True)
    if "whole number" in done.stderr or "m.rnn" not in done.stderr:
        faults.append(f"{command}: {done.returncode} {done.stderr}")
done = subprocess.run(["rnnc", "gradcheck", "m.rnn", "--steps", "2147483647"],
                      capture_output=True, text=True)
if done.returncode != 2 or "at most 100000 steps of all examples together" not in done.stderr:
    faults.append(f"{done.returncode} {done.stderr}")
print(tried, "tried")
sys.exit("\n".join(faults) or 0)
