#!/usr/bin/env python3
"""agree.py WORK PROGRAM.rnn...: compiled code in f64 agrees with the interpreter on every
function of each program, with ragged lengths, and its gradients with differences."""
import json
import math
import pathlib
import random
import re
import struct
import subprocess
import sys

BATCH, STEPS, TOLERANCE = 3, 6, 1e-10
GIVEN = ("input", "lengths", "state_in")
CHECKED_OTHERWISE = ("grad", "vjp", "train_step", "sample")  # gradcheck; the rest draws


def run(*command):
    done = subprocess.run(["rnnc", *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"rnnc {' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def write(path, arrays):
    head, body = {}, b""
    for name, (kind, shape, values) in arrays.items():
        piece = struct.pack(f"<{len(values)}{ {'I32': 'i', 'F32': 'f'}.get(kind, 'd')}", *values)
        head[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(piece)]}
        body += piece
    text = json.dumps(head).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def read(path):
    raw = pathlib.Path(path).read_bytes()
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    codes = {"F64": "d", "F32": "f", "I32": "i", "I64": "q", "U8": "B"}
    return {name: (one["shape"], struct.unpack(
                f"<{math.prod(one['shape'])}{codes[one['dtype']]}",
                raw[end + one["data_offsets"][0]:end + one["data_offsets"][1]]))
            for name, one in json.loads(raw[8:end]).items() if name != "__metadata__"}


def arguments(function, draw, least):
    """Random arguments; the first example is as long as its axis, the second as short as it may be."""
    arrays, lengths = {}, {}
    for arg in function["args"]:
        if arg["role"] not in GIVEN:
            continue
        shape = [BATCH if size == "batch" else lengths.setdefault(size, STEPS)
                 if isinstance(size, str) else size for size in arg["shape"]]
        count = math.prod(shape)
        if arg["role"] == "lengths":
            most = lengths[arg["name"]] = STEPS + len(lengths)
            arrays[arg["name"]] = ("I32", shape, [most, least] + [draw.randint(1, most)] * (count - 2))
        elif arg["dtype"] == "f64":
            arrays[arg["name"]] = ("F64", shape, [draw.gauss(0, 1) for _ in range(count)])
        else:
            arrays[arg["name"]] = ("I32", shape, [draw.randrange(arg.get("size", 2)) for _ in range(count)])
    return arrays


def compare(where, mine, theirs):
    for name, (shape, values) in mine.items():
        if name not in theirs or theirs[name][0] != shape:
            sys.exit(f"{where}: {name} {shape} is {theirs.get(name, ['not there'])[0]} in the interpreter")
        largest = max([1.0] + [abs(x) for x in theirs[name][1] if math.isfinite(x)])
        for i, (x, y) in enumerate(zip(values, theirs[name][1])):
            if x != y and not abs(x - y) <= TOLERANCE * largest:
                sys.exit(f"{where}: {name}[{i}] is {x}, in the interpreter {y}")


def agree(source, work):
    base = f"{work}/{source.stem}"
    library = f"{work}/lib{source.stem}.so"
    run(str(source), "-O1", "-march=x86-64-v3", "--precision", "f64", "--all-functions", "-o", library)
    manifest = json.loads(run("inspect", library, "--json"))
    # What is the largest of nothing is infinite, and the index of it an error.
    least = 1 if re.search("max|min|logsumexp", source.read_text()) else 0
    functions = 0
    for module in manifest["modules"]:
        draw = random.Random(7)
        isModel = any(one["name"] == "loss" for one in module["functions"])
        write(base + ".w.safetensors",
              {one["name"]: ("F64", one["shape"], [draw.gauss(0, 0.5) for _ in range(math.prod(one["shape"]))])
               for one in module["parameters"]})
        for function in module["functions"]:
            if function["name"] in CHECKED_OTHERWISE or function.get("draws") or (
                    isModel and function["name"] in ("begin", "step")):
                continue
            given = arguments(function, draw, least)
            write(base + ".in.safetensors", given)
            name = f"{module['name']}.{function['name']}"
            files = ["--weights", base + ".w.safetensors", "--in", base + ".in.safetensors", "--out"]
            run("run", library, name, *files, base + ".a.safetensors")
            run("run", str(source), name, "--reference", *files, base + ".b.safetensors")
            compare(f"{source.name}: {name}", read(base + ".a.safetensors"), read(base + ".b.safetensors"))
            functions += 1
    run("gradcheck", str(source), "-O0")
    print(f"{source.stem}: {functions} functions and the gradients agree")


if __name__ == "__main__":
    for path in sys.argv[2:]:
        agree(pathlib.Path(path), sys.argv[1])
