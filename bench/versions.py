#!/usr/bin/env python3
"""Two versions of rnnc on the same layers, in turns: is the second slower?

    versions.py OLD NEW [--shape lstm-256-16-100 ...] [--threads 1 2] [--ragged]

A shape is CELL-HIDDEN-BATCH-STEPS. Prints, for the forward function and for the
gradient, the best time of each version in ms, NEW / OLD, and GFLOP/s of NEW
over all steps. With --ragged, lengths are spread evenly from 1 to STEPS, and a
second ratio says what a batch costs beside one without padding. Needs numpy.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test" / "Golden"))
from compare import write_safetensors  # noqa: E402

GATES = {"lstm": 4, "gru": 3, "bilstm": 8, "bigru": 6}  # of both directions
SHAPES = ["lstm-256-16-100", "lstm-512-16-25", "lstm-128-32-50", "lstm-256-4-100", "gru-1024-1-20",
          "gru-1024-32-10", "lstm-32-1-100"]


class Version:
    """The library of one version, called through `rnnc run --repeat`."""

    def __init__(self, tool, folder, kind, hidden):
        self.tool, self.folder, self.kind = tool, folder, kind
        folder.mkdir()
        (folder / "layer.rnn").write_text(
            f"import std\nexport {kind}[{hidden}, {hidden}].forward, {kind}[{hidden}, {hidden}].vjp\n")
        subprocess.run([tool, folder / "layer.rnn", "-O3", "-march=native", "-o", folder / "liblayer.so"], check=True)

    def best(self, function, inputs, threads, repeat):
        out = subprocess.run(
            [self.tool, "run", self.folder / "liblayer.so", f"{self.kind}.{function}", "--seed", "1", "--in", inputs,
             "--out", self.folder / "out.safetensors", "--threads", str(threads), "--repeat", str(repeat), "--json"],
            check=True, capture_output=True, text=True)
        return json.loads(out.stdout)["best_ms"]


def measure(args, shape, threads):
    kind, hidden, batch, steps = shape.split("-")
    hidden, batch, steps = int(hidden), int(batch), int(steps)
    rng = np.random.default_rng(1)
    data = {"x": rng.standard_normal((batch, steps, hidden), dtype=np.float32)}
    lengths = np.linspace(1, steps, batch).round().astype(np.int32)
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        versions = [Version(tool, tmp / name, kind, hidden) for name, tool in [("old", args.old), ("new", args.new)]]
        for function in ["forward", "vjp"]:
            if function == "vjp":
                width = 2 * hidden if kind.startswith("bi") else hidden
                data["cot.out"] = rng.standard_normal((batch, steps, width), dtype=np.float32)
            write_safetensors(tmp / "full.safetensors", data)
            write_safetensors(tmp / "ragged.safetensors", {**data, "T": lengths})
            inputs = tmp / ("ragged.safetensors" if args.ragged else "full.safetensors")
            best = [1e9, 1e9]
            for _ in range(args.rounds):
                for i, version in enumerate(versions):
                    best[i] = min(best[i], version.best(function, inputs, threads, args.repeat))
            flops = 4 * GATES[kind] * hidden * hidden * batch * steps * (3 if function == "vjp" else 1)
            line = f"| {shape} | {function} | {threads} | {best[0]:.3g} | {best[1]:.3g} | {best[1] / best[0]:.2f} | " \
                   f"{flops / best[1] / 1e6:.0f} |"
            if args.ragged:
                full = min(versions[1].best(function, tmp / "full.safetensors", threads, args.repeat)
                           for _ in range(args.rounds))
                line += f" {best[1] / full:.2f} ({lengths.sum() / (batch * steps):.2f} of the steps) |"
            print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--shape", nargs="+", default=SHAPES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--ragged", action="store_true")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("| shape | what | threads | old ms | new ms | new / old | GF/s |\n|---|---|---|---|---|---|---|")
    for threads in args.threads:
        for shape in args.shape:
            measure(args, shape, threads)


if __name__ == "__main__":
    main()
