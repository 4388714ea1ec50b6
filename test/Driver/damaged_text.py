#!/usr/bin/env python3
"""damaged_text.py WORK SEED COUNT [--gpu] MODEL.rnn...: the text of each phase of each model, with
one token changed, left out or doubled, goes back into rnnc COUNT times. It compiles or is
refused with a message (exit codes 0 to 2); nothing ends by a signal, with 70 or never. With --gpu
the phases are those of GPUs."""
import os
import pathlib
import random
import re
import subprocess
import sys

PHASES = ["rnn", "batched", "grad", "scheduled", "phases", "kernel", "buffer", "llvm"]
MACHINE, LAST = "-march=x86-64-v3", "object"
if "--gpu" in sys.argv:
    sys.argv.remove("--gpu")
    PHASES = ["planned", "kernel", "buffer", "gpu", "nvvm"]
    MACHINE, LAST = "--target=nvptx64", "ptx"
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[%@#!^][\w.$#]+|[A-Za-z_][\w.$]*'
                   r'|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?)?|0x[0-9a-fA-F]+|->|::|\S')
ATTRIBUTE = re.compile(r'[\w.]+ = (?:\[[^\]]*\]|"(?:[^"\\]|\\.)*"|-?\d+ : i64|array<[^>]*>)(?:, )?')
NUMBERS = ["0", "1", "-1", "2", "7", "1000000", "9223372036854775807", "-9223372036854775808"]
WORDS = ["", "?", "f64", "i1", "i32", "index", "tensor<f32>", "memref<f32>", "[]", "{}", "%arg0"]


def like(token, tokens, draw):
    """Another token that begins alike."""
    others = [one.group() for one in tokens if one.group()[0] == token[0] and one.group() != token]
    return draw.choice(others or WORDS)


def damaged(text, draw):
    kind = draw.randrange(6)
    if kind == 0:  # an attribute, or where there is none a line, is left out
        found = list(ATTRIBUTE.finditer(text))
        if found:
            place = draw.choice(found)
            return text[:place.start()] + text[place.end():]
        lines = text.splitlines(keepends=True)
        del lines[draw.randrange(len(lines))]
        return "".join(lines)
    tokens = list(TOKEN.finditer(text))
    place = draw.choice(tokens)
    token = place.group()
    if kind == 1:
        new = token + " " + token
    elif kind == 2:
        new = draw.choice(WORDS)
    elif kind == 3 and re.fullmatch(r"-?\d+", token):
        new = draw.choice(NUMBERS)
    elif kind == 4 and len(token) > 100:  # inside the manifest
        at = draw.randrange(1, len(token) - 1)
        new = token[:at] + draw.choice(["", "0", "x", "]", "{", "-"]) + token[at + draw.choice([0, 1, 4]):]
    else:
        new = like(token, tokens, draw)
    return text[:place.start()] + new + text[place.end():]


def attempt(path, target):
    command = ["rnnc", str(path), f"--emit={target}", "-O0", MACHINE, "-o", str(path) + ".out"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return "does not end", ""
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}", done.stderr
    if done.returncode and "error" not in done.stderr:
        return "is refused without a word", ""
    return "", ""


def main():
    work, seed, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    tries = bad = 0
    for model in sys.argv[4:]:
        for number, phase in enumerate(PHASES):
            text = subprocess.run(["rnnc", model, f"--emit={phase}", MACHINE], check=True,
                                  capture_output=True, text=True).stdout
            for i in range(count):
                name = f"{pathlib.Path(model).stem}-{phase}-{seed}-{i}"
                draw = random.Random(name)
                path = work / f"{name}.mlir"
                path.write_text(damaged(text, draw))
                what, said = attempt(path, draw.choice(PHASES[number:] + [LAST] * 3))
                tries += 1
                if what:
                    bad += 1
                    print(f"{path}: {what}\n{said}")
                else:
                    os.remove(path)
    print(f"{tries} damaged texts, {bad} that rnnc does not stand")


main()
