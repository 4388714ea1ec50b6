#!/usr/bin/env python3
"""phase_chain.py FOLDER WORK: for the first program of each folder below, each phase is made of
the text of the phase before; rnn-opt reads every text back, and what it prints is what it
reads. Programs that are refused, or whose dims come from data, say so."""
import pathlib
import subprocess
import sys

PHASES = ["rnn", "batched", "grad", "scheduled", "phases", "kernel", "buffer", "llvm"]
folder, work = sys.argv[1:]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


count = 0
firsts = {}
for source in sorted(pathlib.Path(folder).rglob("*.rnn")):
    firsts.setdefault(source.parent, source)
for source in firsts.values():
    before = str(source)
    unset = [line.split("`")[1] for line in subprocess.run(
        ["rnnc", "check", "--complete", before], capture_output=True, text=True).stderr.splitlines()
        if line.startswith("error[E403]")]
    dims = [word for name in unset for word in ("-D", f"{name}=7")]
    for phase in PHASES:
        text = run("rnnc", before, f"--emit={phase}", *dims)
        path = f"{work}/{source.stem}.{phase}.mlir"
        pathlib.Path(path).write_text(text)
        again = run("rnn-opt", path)
        if run("rnn-opt", path, "--mlir-print-op-generic") == again:
            sys.exit(f"{path}: no custom form")
        pathlib.Path(path + ".again").write_text(again)
        if run("rnn-opt", path + ".again") != again:
            sys.exit(f"{path}: rnn-opt prints something else than it read")
        before, dims = path, []
    count += 1
print(count, "programs")
