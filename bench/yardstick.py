#!/usr/bin/env python3
"""Generated kernels beside hand-written ones, in turns in one run.

    yardstick.py PROTOTYPES [--rnnc build/bin/rnnc] [--rounds 3] [--seconds 0.3]

PROTOTYPES is a folder with fwd.cpp, ragged.cpp, b1.cpp and bwd.cpp: an LSTM in
intrinsics, which print the best time of each choice that they try, a line
each. They are compiled here (`c++ -O3 -march=native`); the best line counts.

  forward …     a whole layer; `ragged`: lengths 10 to 200, by valid steps
  recurrence …  the recurrent product and the gates alone, batch 1; bf16: their
                weights stored shorter
  reverse …     forward, reverse steps and the gradient of the recurrent
                weights, 16 rows; the hand-written parts are added up

`share` is the hand-written time over ours: above 1 rnnc is faster. One thread,
f32. Results of either are checked elsewhere: the prototypes check their own,
`layers.py` checks ours.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "test" / "Golden")]
from compare import write_safetensors  # noqa: E402
from layers import Rnnc, machine  # noqa: E402
from peers.shapes import Shape, weights_of  # noqa: E402

# What a step of an LSTM does when the product with its inputs is done.
RECURRENCE = """dim H

cell rec(zi: [H], zf: [H], zg: [H], zo: [H]) -> [H] {
  axis gate = {i, f, g, o}
  param U : [gate, H, H] ~ uniform(-0.05, 0.05)
  state h : [H] = 0
  state c : [H] = 0
  z  = U @ h
  c' = sigmoid(z.f + zf) * c + sigmoid(z.i + zi) * tanh(z.g + zg)
  h' = sigmoid(z.o + zo) * tanh(c')
  out h'
}

export rec.forward, rec.vjp
"""


class Hand:
    """The prototypes, compiled; each run tries all that it knows."""

    def __init__(self, args, folder):
        self.folder, self.seconds = folder, str(args.seconds)
        for source in ("fwd", "ragged", "b1", "bwd"):
            subprocess.run([os.environ.get("CXX", "c++"), "-O3", "-march=native", "-std=c++17", "-pthread",
                            args.prototypes / f"{source}.cpp", "-o", folder / source], check=True)

    def run(self, program, *words):
        return subprocess.run([self.folder / program, *words, self.seconds], check=True, capture_output=True, text=True).stdout

    @staticmethod
    def best(text, label):
        """The shortest time in ms of the lines that begin so."""
        return min(float(ms) for ms in re.findall(rf"^  (?:{label})\b.* best +([\d.]+) ms", text, re.M))


class Recurrence:
    """Ours, of so many units."""

    def __init__(self, args, folder, hidden, batch, steps, bits=""):
        self.args, self.library = args, folder / f"librec{hidden}{bits}.so"
        self.sizes = ["--batch", str(batch), "--length", str(steps)]
        (folder / "rec.rnn").write_text(RECURRENCE)
        subprocess.run([args.rnnc, folder / "rec.rnn", "-O3", "-march=native", f"-DH={hidden}",
                        *(["--weight-type=bf16"] if bits else []), "-o", self.library], check=True)

    def time(self, function):
        seconds = self.args.seconds
        run = subprocess.run([self.args.rnnc, "bench", self.library, f"rec.{function}", *self.sizes, "--json",
                              "--min-time", str(seconds), "--max-time", str(3 * seconds)],
                             check=True, capture_output=True, text=True)
        return json.loads(run.stdout)["best_ms"]


def layers(args, hand, folder):
    """Whole layers. Each group is what runs the prototypes, and rows: a name,
    what finds the time in what they printed, what measures ours."""
    small = lambda n: max(2, n // args.scale)
    valid = lambda text: int(re.search(r"rows (\d+)$", text, re.M)[1])
    for hidden, batch, steps, words, label in [
            (256, 16, 150, ("fwd", "256", "16", "150", "full"), "whole"),
            (512, 16, 25, ("fwd", "512", "16", "25", "full"), "whole"),
            (512, 64, 5, ("fwd", "512", "64", "5", "big"), "whole"),
            (128, 32, 100, ("fwd", "128", "32", "100", "fused"), "whole|fused"),
            (256, 32, 200, ("ragged", "all"), "unsorted")]:
        ragged = label == "unsorted"
        shape = Shape("lstm", small(hidden), batch, small(steps), ragged=(small(10), small(steps)) if ragged else None)
        place = folder / f"{hidden}-{batch}-{steps}"
        place.mkdir()
        ours = Rnnc(args.rnnc, place, shape, *weights_of(shape))

        def pick(text, label=label, shape=shape, ragged=ragged):
            return hand.best(text, label) * (int(shape.lengths.sum()) / valid(text) if ragged else 1)

        name = f"forward {shape.hidden}, batch {batch}, {shape.steps} steps{', ragged' if ragged else ''}"
        yield lambda words=words: hand.run(*words), [(name, pick, lambda ours=ours: ours.time("forward", args.seconds))]


def single(args, hand, folder):
    """Batch 1: all sizes come from one run of the prototype."""
    def pick(text, hidden, label):
        parts = re.split(r"^H ", text, flags=re.M)
        return hand.best(next(p for p in parts if p.startswith(f"{hidden} ")), label)

    rows = []
    for hidden, steps in [(128, 50), (256, 50), (384, 50), (512, 25)]:
        for bits, label in [("", "f32"), ("bf16", "bf16|dpbf")]:
            ours = Recurrence(args, folder, hidden // args.scale, 1, steps, bits)
            rows.append((f"recurrence {hidden // args.scale}, batch 1{', bf16' if bits else ''}",
                         lambda text, h=hidden, l=label: pick(text, h, l), lambda ours=ours: ours.time("forward")))
    yield lambda: hand.run("b1", "one"), rows


def training(args, hand, folder):
    steps = max(2, 150 // args.scale)
    ours = Recurrence(args, folder, 256 // args.scale, 16, steps)
    run = lambda: hand.run("fwd", "256", "16", "150", "tile") + hand.run("bwd", "256", "16", "150")
    # No product follows the last of the reverse steps.
    pick = lambda text: hand.best(text, "rec") + hand.best(text, "recurrent") * 150 / 149 + hand.best(text, "wgrad")
    yield run, [(f"reverse {256 // args.scale}, batch 16, {steps} steps", pick, lambda: ours.time("vjp"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("prototypes", type=pathlib.Path)
    parser.add_argument("--rnnc", default=str(HERE.parent / "build/bin/rnnc"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each choice in each round")
    parser.add_argument("--scale", type=int, default=1, help="our sizes divided by it: to try the program")
    args = parser.parse_args()
    processor, peak = machine()
    print(f"{processor}, {datetime.date.today()}: FMA peak {peak['fma_gflops']:.0f} GF/s a core\n\n"
          "| work | hand-written ms | rnnc ms | share |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        hand = Hand(args, folder)
        for part in (layers, single, training):
            for run, rows in part(args, hand, folder):
                best = {}
                for _ in range(args.rounds):
                    text = run()
                    for name, pick, ours in rows:
                        a, b = best.get(name, (1e9, 1e9))
                        best[name] = min(a, pick(text)), min(b, ours())
                for name, (a, b) in best.items():
                    print(f"| {name} | {a:.4g} | {b:.4g} | {a / b:.2f} |", flush=True)


if __name__ == "__main__":
    main()
