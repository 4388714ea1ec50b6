"""One step a call, from C with the states in and out; so is oneDNN, other peers are called from Python."""
import os
import pathlib
import subprocess
import tempfile

import numpy as np
from compare import write_safetensors
from peers.shapes import Shape, weights_of

from work import Row

HERE = pathlib.Path(__file__).resolve().parent
WORK = {
    "stream-lstm-h16": Shape("lstm", 16, 1, 1), "stream-gru-3x256": Shape("gru", 256, 1, 1, layers=3),
    "stream-gru-3x256-bf16": Shape("gru", 256, 1, 1, layers=3),
    "stream-gru-3x256-int8": Shape("gru", 256, 1, 1, layers=3),
    "tiny-stream": Shape("gru", 4, 1, 1, layers=2),
}
STATES = {"lstm": 2, "gru": 1}
STEPS = 25
SHORT = {"bf16": 1e-2, "int8": 3e-2}  # most that outputs may differ


class Ours:
    name = "rnnc"

    def __init__(self, args, folder, shape, weights, x, options):
        self.folder, self.x = folder, x
        h, parts = shape.hidden, shape.parts
        value = "x"
        for part in parts:
            value = f"{part}({value})"
        uses = ", ".join(f"{part} = {shape.cell}[{h}, {h}]" for part in parts)
        (folder / "model.rnn").write_text(f"import std\n\ncell net(x: [{h}]) -> [{h}] {{\n  use {uses}\n"
                                          f"  out {value}\n}}\n\nexport net.step\n")
        subprocess.run([args.rnnc, folder / "model.rnn", "-O3", "-march=native", *options, "-o",
                        folder / "libmodel.so"], check=True)
        states = [f"state{k}" for k in range(STATES[shape.cell] * len(parts))]
        (folder / "layer.h").write_text(f"enum {{ INPUTS = {h}, RESULTS = {h} }};\nstatic float "
                                        + ", ".join(f"{s}[2][{h}]" for s in states)
                                        + f";\n#define STATES(k) {', '.join(f'{s}[k]' for s in states)}\n")
        write_safetensors(folder / "w.safetensors", weights)
        x.tofile(folder / "x.bin")
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{folder}",
                        HERE / "stream.c", f"-L{folder}", "-lmodel", f"-Wl,-rpath,{folder}", "-o", folder / "stream"],
                       check=True)

    def time(self, seconds, threads=1):
        run = subprocess.run([self.folder / "stream", self.folder / "w.safetensors", self.folder / "x.bin",
                              self.folder / "y.bin", str(seconds), str(threads)], check=True, capture_output=True)
        return float(run.stdout)

    def results(self):
        self.time(0)
        return np.fromfile(self.folder / "y.bin", np.float32).reshape(self.x.shape)


def measure(args, name, peers):
    shape = WORK[name]
    short = next((t for t in SHORT if name.endswith(t)), "")
    options = [f"--weight-type={short}"] if short else []
    weights, x, cot = weights_of(Shape(shape.cell, shape.hidden, 1, STEPS, shape.layers))
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(args, pathlib.Path(folder), shape, weights, x[0], options)
        got, rivals = ours.results(), []
        for make in peers:
            whole = make(Shape(shape.cell, shape.hidden, 1, STEPS, shape.layers), weights, x, cot, folder)
            error = np.abs(whole.results()["out"][0] - got).max()
            if not error <= SHORT.get(short, 1e-5):
                args.disagree(name, f"{make.name}: outputs differ by {error:.3g}")
                continue
            rivals.append(make(shape, weights, x[:, :1], cot[:, :1], folder))
        for threads in args.threads:
            best = {"rnnc": 1e9}
            for _ in range(args.rounds):
                best["rnnc"] = min(best["rnnc"], ours.time(args.seconds, threads))
                for peer in rivals:
                    peer.threads = threads
                    best[peer.name] = min(best.get(peer.name, 1e9), peer.time("forward", args.seconds) / 1e3)
            yield Row(name, "step", threads, best)
