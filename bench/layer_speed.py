#!/usr/bin/env python3
"""One recurrent layer, rnnc beside PyTorch, alternately in one run.

    layer_speed.py [--rnnc build/bin/rnnc] [--shape lstm-h256-b16 ...] [--threads 1]

For every shape: the forward (weights prepared before), and a training step
(forward and all gradients of sum(y * cotangent): inputs, weights, biases; no
optimiser). Both programs get the same numbers; results are compared first
(1e-4 absolute for outputs, 1e-3 of each tensor's largest value for gradients),
then timed in turns. Prints the best time of each and their ratio; below 1 rnnc
is faster. Needs torch and numpy; everything is f32.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test" / "Golden"))
from compare import read_safetensors, write_safetensors  # noqa: E402

SHAPES = {  # cell, hidden = inputs, batch, steps
    "lstm-h32": ("lstm", 32, 1, 100), "lstm-h128": ("lstm", 128, 1, 100),
    "lstm-h256": ("lstm", 256, 1, 100), "lstm-h512-b16": ("lstm", 512, 16, 25),
    "lstm-h256-b16": ("lstm", 256, 16, 150), "gru-h128": ("gru", 128, 1, 100),
    "gru-h256-b16": ("gru", 256, 16, 100), "lstm-h512-b64": ("lstm", 512, 64, 25),
}
GATES = {"lstm": 4, "gru": 3}


def torch_layer(kind, hidden, batch, steps):
    import torch
    torch.manual_seed(1)
    module = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](hidden, hidden, batch_first=True)
    x = torch.randn(batch, steps, hidden, requires_grad=True)
    cot = torch.randn(batch, steps, hidden)
    return module, x, cot


def rnnc_weights(module, kind):
    get = lambda n: getattr(module, n + "_l0").detach().numpy()
    split = lambda w: w.reshape(GATES[kind], -1, *w.shape[1:])
    weights = {"W": split(get("weight_ih")), "U": split(get("weight_hh")), "b": split(get("bias_ih"))}
    if kind == "gru":
        weights["d"] = split(get("bias_hh"))
    else:
        weights["b"] = weights["b"] + split(get("bias_hh"))
    return weights


class Rnnc:
    """A compiled layer, called through `rnnc run --repeat`."""

    def __init__(self, tool, tmp, kind, hidden, threads, weights, x, cot):
        self.tool, self.tmp, self.kind, self.threads = tool, tmp, kind, threads
        model = tmp / "layer.rnn"
        model.write_text(f"import std\nexport {kind}[{hidden}, {hidden}].forward, {kind}[{hidden}, {hidden}].vjp\n")
        subprocess.run([tool, model, "-O3", "-march=native", "-o", tmp / "liblayer.so"], check=True)
        write_safetensors(tmp / "w.safetensors", weights)
        write_safetensors(tmp / "in.safetensors", {"x": x})
        write_safetensors(tmp / "in-vjp.safetensors", {"x": x, "cot.out": cot})

    def run(self, function, repeat):
        inputs = "in-vjp" if function == "vjp" else "in"
        out = subprocess.run(
            [self.tool, "run", self.tmp / "liblayer.so", f"{self.kind}.{function}", "--weights",
             self.tmp / "w.safetensors", "--in", self.tmp / f"{inputs}.safetensors", "--out",
             self.tmp / "out.safetensors", "--threads", str(self.threads), "--repeat", str(repeat), "--json"],
            check=True, capture_output=True, text=True)
        return json.loads(out.stdout)["best_ms"], read_safetensors(self.tmp / "out.safetensors")


def best_of(call, repeat):
    best = 1e9
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


def measure(args, name):
    import torch
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    kind, hidden, batch, steps = SHAPES[name]
    module, x, cot = torch_layer(kind, hidden, batch, steps)

    def train():
        for p in [x, *module.parameters()]:
            p.grad = None
        (module(x)[0] * cot).sum().backward()

    def forward():
        with torch.inference_mode():
            module(x)

    train()
    with torch.inference_mode():
        y = module(x)[0].numpy()
    with tempfile.TemporaryDirectory() as tmp:
        ours = Rnnc(args.rnnc, pathlib.Path(tmp), kind, hidden, args.threads, rnnc_weights(module, kind),
                    x.detach().numpy(), cot.numpy())
        _, got = ours.run("vjp", 1)
        assert np.abs(got["out"] - y).max() < 1e-4, "outputs differ"
        w = module.weight_ih_l0.grad.numpy()
        difference = np.abs(got["grad.W"].reshape(w.shape) - w).max() / np.abs(w).max()
        assert difference < 1e-3, f"gradients differ by {difference}"
        for what, function, call in [("forward", "forward", forward), ("training", "vjp", train)]:
            mine, theirs = 1e9, 1e9
            for _ in range(args.rounds):
                mine = min(mine, ours.run(function, args.repeat)[0])
                theirs = min(theirs, best_of(call, args.repeat))
            flops = 4 * GATES[kind] * hidden * hidden * batch * steps * (3 if what == "training" else 1)
            print(f"| {name} | {what} | {mine:.3g} | {theirs:.3g} | {mine / theirs:.2f} | {flops / mine / 1e6:.0f} |",
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rnnc", default=str(HERE.parent / "build/bin/rnnc"))
    parser.add_argument("--shape", nargs="+", default=["lstm-h256-b16"], choices=SHAPES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    print("| shape | what | rnnc ms | PyTorch ms | ratio | rnnc GF/s |\n|---|---|---|---|---|---|")
    for name in args.shape:
        measure(args, name)


if __name__ == "__main__":
    main()
