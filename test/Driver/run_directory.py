#!/usr/bin/env python3
"""run_directory.py WHOLE DATA FOLDER: damages copies of a training's directory in
many ways and prints what `eval`, `predict` and `inspect` say of each (all the
same, exit code 4), or what `train --resume` says."""
import json
import os
import shutil
import subprocess
import sys

whole, data, folder = sys.argv[1:]
weights = json.load(open(whole + "/report.json"))["weights"]


def change(name, edit):
    def damage(run):
        path = run + "/" + name
        content = open(path, "rb").read()
        open(path, "wb").write(edit(content))
    return damage


def cut(name):
    return change(name, lambda content: content[:len(content) * 2 // 3])


def lose(*names):
    return lambda run: [os.remove(run + "/" + name) for name in names if os.path.exists(run + "/" + name)]


def option(setting):
    key, value = setting.split("=", 1)

    def edit(content):
        options = json.loads(content)
        *outer, last = key.split(".")
        entry = options
        for name in outer:
            entry = entry[name]
        entry[last] = json.loads(value)
        return json.dumps(options).encode()
    return change("options.json", edit)


def exchange(content):
    symbols = json.loads(content)
    symbols[-1], symbols[-2] = symbols[-2], symbols[-1]
    return json.dumps(symbols).encode()


def rubbish(content):
    first, rest = content.split(b"\n", 1)
    return first + b"\nrubbish\n" + rest


def said(damage, commands):
    run = folder + "/damaged"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(whole, run)
    damage(run)
    lines = []
    for command in commands:
        done = subprocess.run([word.replace("RUN", run) for word in command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        last = done.stdout.replace(run + "/", "").strip().splitlines()[-1]
        lines.append(last if done.returncode == 4 else f"exit code {done.returncode}: {last}")
    return lines[0] if len(set(lines)) == 1 else str(lines)


use = [["rnnc", "eval", "RUN", "--data", data], ["rnnc", "predict", "RUN", "abc"], ["rnnc", "sample", "RUN"]]
look = use[:1] + [["rnnc", "inspect", "RUN"]]
damages = [
    ("model.rnn with a comment", change("model.rnn", lambda c: c + b"\n# mine\n"), look),
    ("model.rnn cut", cut("model.rnn"), use),
    ("model.rnn lost", lose("model.rnn"), look),
    ("vocabulary.V.json with two symbols exchanged", change("vocabulary.V.json", exchange), use),
    ("vocabulary.V.json cut", cut("vocabulary.V.json"), use),
    ("vocabulary.V.json lost", lose("vocabulary.V.json"), look),
    ("options.json cut", cut("options.json"), use),
    ("options.json empty", change("options.json", lambda c: b""), look),
    ("options.json lost", lose("options.json"), look),
    ("options.json with compile.dims.V=6", option("compile.dims.V=6"), use[:1]),
    *[(f"options.json with {setting}", option(setting), look[1:])
      for setting in ["compile.dims.X=6", "compile.dims.V=-1", "compile.opt=9", 'compile.precision="f16"',
                      'model="Other"', 'split="50/50"', 'program="../x.rnn"', 'read.lower="yes"', "read.min_count=-1",
                      'split="60/x"', 'vocabularies=["../V"]', "trained_on=[1]"]],
    ("report.json cut", cut("report.json"), look),
    ("the weights cut", cut(weights), use[:2]),
    ("the weights lost", lose("best.safetensors", "last.safetensors"), look),
]
for name, damage, commands in damages:
    print(f"{name}: {said(damage, commands)}")
resume = [["rnnc", "train", "-O0", folder + "/text.rnn", "--data", data, "--split", "60/20/20", "--out", "RUN",
           "--steps", "9", "--resume", "--quiet"]]
for name, damage in [("log.jsonl with a line of rubbish", change("log.jsonl", rubbish)),
                     ("last.safetensors cut", cut("last.safetensors"))]:
    print(f"--resume, {name}: {said(damage, resume)}")
