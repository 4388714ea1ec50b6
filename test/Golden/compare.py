#!/usr/bin/env python3
"""Holds compiled layers and updates against PyTorch's golden numbers.

compare.py [--gpu] RNNC CASE.npz... : for every file of make_golden.py, compiles the
same thing with RNNC in f32 and f64, runs it, and compares every tensor.
Tolerance: 1e-5 (f32) and 1e-10 (f64) of each tensor's largest value; the
weights are contractive, so rounding does not grow with the length. Updates
with rmsprop may be 5e-5 apart in f32: it divides a gradient by its size,
however small, so what rounding left of one becomes a step. By the order of the
six examples rnnc is 1.6e-6 to 1.9e-5 away from PyTorch's f64, and PyTorch's own
f32 8e-7 to 7e-6; in f64 rnnc is 1e-14 away.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

DEVICE = []  # options that say where
HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = {"f32": 1e-5, "f64": 1e-10}
NAMES = {np.dtype(np.float64): "F64", np.dtype(np.float32): "F32", np.dtype(np.int32): "I32",
         np.dtype(np.int64): "I64"}


def write_safetensors(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, value in tensors.items():
        value = np.ascontiguousarray(value)
        blob = value.tobytes()
        header[name] = {"dtype": NAMES[value.dtype], "shape": list(np.shape(value)),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    types = {text: dtype for dtype, text in NAMES.items()}
    result = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        data = np.frombuffer(raw[8 + size + begin:8 + size + end], types[entry["dtype"]])
        result[name] = data.reshape(entry["shape"])
    return result


def part(data, prefix, precision="f64"):
    cast = lambda v: v.astype(np.float32) if precision == "f32" and v.dtype == np.float64 else v
    return {k[len(prefix):]: cast(data[k]) for k in data.files if k.startswith(prefix)}


def rnnc(*arguments):
    run = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}\nexit code {run.returncode}\n{run.stdout}{run.stderr}")


def tolerance(where, precision):
    return 5e-5 if where.startswith("update-rmsprop") and precision == "f32" else TOLERANCE[precision]


def check(where, got, want, precision):
    worst = 0.0
    for name, value in want.items():
        if name not in got:
            sys.exit(f"{where}: `{name}` is missing; there are {sorted(got)}")
        if got[name].shape != value.shape:
            sys.exit(f"{where}: `{name}` is {got[name].shape}, expected {value.shape}")
        largest = max(np.abs(value).max(initial=0), 1e-30)
        error = np.abs(got[name].astype(np.float64) - value).max(initial=0) / largest
        if not error <= tolerance(where, precision):
            sys.exit(f"{where}: `{name}` differs by {error:.3g} of its largest value {largest:.3g}")
        worst = max(worst, error)
    return worst


def compare_functions(tool, path, data, tmp, precision, model, name):
    library = tmp / "libmodel.so"
    rnnc(tool, model, *(["--target=cpu,nvptx64"] if DEVICE else []), "-march=native", "-O1", f"--precision={precision}", "-o",
         library)
    worst = 0.0
    for function in ["forward", "vjp"]:
        inputs = part(data, "in.", precision)
        outputs = {k: v for k, v in part(data, "out.").items() if function == "vjp" or not k.startswith("grad.")}
        if function == "forward":
            inputs = {k: v for k, v in inputs.items() if not k.startswith("cot.")}
        write_safetensors(tmp / "w.safetensors", part(data, "weight.", precision))
        write_safetensors(tmp / "in.safetensors", inputs)
        rnnc(tool, "run", *DEVICE, library, f"{name}.{function}", "--weights", tmp / "w.safetensors", "--in",
             tmp / "in.safetensors", "--out", tmp / "out.safetensors")
        got = read_safetensors(tmp / "out.safetensors")
        worst = max(worst, check(f"{path.stem} {function} {precision}", got, outputs, precision))
    return worst


def source_of(path, data):
    """The program of a case, and which of its functions are compared."""
    kind, _, rest = path.stem.partition("-")
    if kind == "update":
        return (HERE / "update.rnn.in").read_text().replace("@SETTINGS@", str(data["settings"])), None
    if kind == "nested":
        return (HERE / "nested.rnn").read_text(), rest
    if kind == "pictures":
        name, sizes = "seen", [int(n) for n in data["sizes"]]
    else:
        cell, _, variant = rest.partition("-")
        suffix = {"two": "_two", "both": "_both"}.get(variant.split("-")[0], "")
        name = f"{cell}{suffix}"
        sizes = [data["in.x"].shape[-1], data["out.out"].shape[-1] // (2 if suffix == "_both" else 1)]
    file = {"layer": "layers.rnn", "pictures": "pictures.rnn"}[kind]
    return (HERE / file).read_text() + f"\nexport {name}{sizes}.forward, {name}{sizes}.vjp\n", name


def compare_update(tool, path, data, tmp, precision, model):
    write_safetensors(tmp / "w.safetensors", part(data, "weight.", precision))
    np.savez(tmp / "data.npz", **part(data, "in.", precision))
    rnnc(tool, "train", *DEVICE, model, "--data", tmp / "data.npz", "--precision", precision, "--init", tmp / "w.safetensors",
         "--steps", 20, "-O", 0, "--out", tmp / f"run-{precision}")
    got = read_safetensors(tmp / f"run-{precision}" / "last.safetensors")
    return check(f"{path.stem} {precision}", got, part(data, "after."), precision)


def compare(tool, path, data, tmp, precision):
    text, name = source_of(path, data)
    model = tmp / "model.rnn"
    model.write_text(text)
    if not name:
        return compare_update(tool, path, data, tmp, precision, model)
    return compare_functions(tool, path, data, tmp, precision, model, name)


def main():
    if sys.argv[1] == "--gpu":
        DEVICE.extend(["--device", "gpu"])
        del sys.argv[1]
    tool, *cases = sys.argv[1:]
    for case in map(pathlib.Path, cases):
        data = np.load(case)
        for precision in ["f32", "f64"]:
            with tempfile.TemporaryDirectory() as tmp:
                worst = compare(tool, case, data, pathlib.Path(tmp), precision)
                print(f"{case.stem} {precision}: largest difference {worst:.2g}, at most {tolerance(case.stem, precision):.0e}")


if __name__ == "__main__":
    main()
