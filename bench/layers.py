#!/usr/bin/env python3
"""Recurrent layers, rnnc beside its peers, in turns in one run.

    layers.py [--shape lstm-h256-b16 gru ...] [--threads 1 2] [--mode forward training]
              [--peers torch onnxruntime openvino jax onednn onednn3 torch_compile] [--out DIR]

For every shape (`--list` shows them; a prefix takes several): the forward, with
weights packed before where there is such a thing, and a training step (forward
and all gradients of sum(y * cotangent): inputs, weights, biases; no optimiser).
All programs get the same numbers. Results are compared first (1e-4 absolute for
outputs, 1e-3 of each tensor's largest value for gradients; layer norm 1e-3
and 5e-3);
what disagrees is not timed. Then each is timed in turns, and the best time of
each is shown. `ahead` is the best peer's time over ours: above 1 rnnc is
faster. `peak` is the share of the machine's FMA peak of the same run, counting
matrix products only. Everything is f32.

Peers, of which those that are not installed are said once and left out:

  torch          PyTorch, eager (`pip install torch`)
  onnxruntime    ONNX Runtime (`pip install onnxruntime onnx`); forward only
  openvino       OpenVINO (`pip install openvino onnx`) on the same ONNX model;
                 forward only. It drops peepholes, so that layer disagrees
  jax            JAX, lax.scan under jit (`pip install jax`), in a process
                 pinned to as many cores as there are threads
  onednn         oneDNN 2.x from C++ (Debian's libdnnl-dev); a training step
  onednn3        packs the weights. 3.x is `pip install onednn onednn-devel`, in
                 this environment or that which ONEDNN3 names. Both pinned as
                 JAX is; no layer norm, no minimal GRU, and of ragged sequences
                 they compute the padding, too
  torch_compile  PyTorch's compiler on the cells that PyTorch does not have.
                 It takes minutes a layer, so it is measured only if it is named

--out writes the table as layers.md and a chart of it as layers.svg.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "test" / "Golden"))
from chart import bars  # noqa: E402
from compare import read_safetensors, write_safetensors  # noqa: E402
from peers.shapes import SHAPES, source, weights_of  # noqa: E402

PEERS = ["torch", "onnxruntime", "openvino", "jax", "onednn", "onednn3"]


class Rnnc:
    """A compiled layer: called once for its results, timed by `rnnc bench`."""
    name = "rnnc"

    def __init__(self, tool, folder, shape, weights, x, cot):
        self.tool, self.folder, self.shape, self.threads = tool, folder, shape, 1
        model = folder / "layer.rnn"
        model.write_text(source(shape))
        subprocess.run([tool, model, "-O3", "-march=native", "-o", folder / "liblayer.so"], check=True)
        lengths = {} if shape.lengths is None else {"T": shape.lengths}
        write_safetensors(folder / "w.safetensors", weights)
        write_safetensors(folder / "forward.safetensors", {"x": x, **lengths})
        write_safetensors(folder / "vjp.safetensors", {"x": x, "cot.out": cot, **lengths})

    def call(self, verb, function, *options):
        run = subprocess.run(
            [self.tool, verb, self.folder / "liblayer.so", f"net.{function}", "--weights", self.folder / "w.safetensors",
             "--in", self.folder / f"{function}.safetensors", "--threads", str(self.threads), "--json", *options],
            check=True, capture_output=True, text=True)
        return json.loads(run.stdout)

    def results(self):
        self.call("run", "vjp", "--out", self.folder / "out.safetensors")
        return read_safetensors(self.folder / "out.safetensors")

    def time(self, mode, seconds):
        function = "forward" if mode == "forward" else "vjp"
        return self.call("bench", function, "--min-time", str(seconds), "--max-time", str(seconds * 3))["best_ms"]


def installed(names):
    """The peers that can be loaded; why the others cannot is printed."""
    loaded = []
    for name in names:
        try:
            loaded.append(__import__(f"peers.{name}_peer", fromlist=["Peer"]).Peer)
        except ImportError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
    return loaded


def checked(make, shape, ours, *given):
    """A peer whose results are ours, or why it is not timed. What one cannot do costs its own column only."""
    try:
        peer = make(shape, *given)
        wrong = disagreement(shape, ours, peer)
    except Exception as error:  # pylint: disable=broad-except
        return None, f"{type(error).__name__}: {error}"
    return (None, wrong) if wrong else (peer, None)


def disagreement(shape, ours, peer):
    """What is wrong with a peer's numbers beside ours; nothing if they agree."""
    wanted = peer.results()
    for name, value in wanted.items():
        got = ours[name].reshape(value.shape)
        worst = np.abs(got - value).max()
        # Layer norm of the first state, which is 0, multiplies rounding by 1 / sqrt(eps).
        loose = shape.cell == "ln_lstm"
        limit = (1e-3 if loose else 1e-4) if name == "out" else (5e-3 if loose else 1e-3) * np.abs(value).max()
        if not worst <= limit:
            return f"`{name}` differs by {worst:.3g}"
    return None


def machine():
    """Name of the processor and its FMA peak in GF/s a core, now."""
    with tempfile.TemporaryDirectory() as folder:
        probe = pathlib.Path(folder) / "peak"
        subprocess.run([os.environ.get("CC", "cc"), "-O3", "-march=native", HERE / "peak.c", "-o", probe], check=True)
        peak = json.loads(subprocess.run([probe], check=True, capture_output=True, text=True).stdout)
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        names = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else "unknown processor", peak


def measure(args, name, peers, peak):
    shape = SHAPES[name]
    weights, x, cot = weights_of(shape)
    with tempfile.TemporaryDirectory() as folder:
        ours = Rnnc(args.rnnc, pathlib.Path(folder), shape, weights, x, cot)
        numbers = ours.results()
        rivals = []
        for make in peers:
            if not make.can(shape):
                continue
            peer, wrong = checked(make, shape, numbers, weights, x, cot, pathlib.Path(folder))
            if wrong:
                print(f"{name}: {make.name} is not timed: {wrong}", file=sys.stderr)
            else:
                rivals.append(peer)
        for threads in args.threads:
            for mode in args.mode:
                yield row(args, name, mode, threads, ours, [p for p in rivals if mode in p.modes], peak)


def row(args, name, mode, threads, ours, rivals, peak):
    best = {}
    for one in [ours, *rivals]:
        one.threads = threads
    for _ in range(args.rounds):
        for one in [ours, *rivals]:
            best[one.name] = min(best.get(one.name, 1e9), one.time(mode, args.seconds))
    flops = SHAPES[name].flops * (3 if mode == "training" else 1)
    theirs = {p.name: best[p.name] for p in rivals}
    return {"shape": name, "mode": mode, "threads": threads, "rnnc": best["rnnc"], "peers": theirs,
            "ahead": min(theirs.values()) / best["rnnc"] if theirs else None,
            "peak": flops / best["rnnc"] / 1e6 / (peak["fma_gflops"] * threads)}


def line(row, names):
    cells = [row["shape"], row["mode"], str(row["threads"]), f"{row['rnnc']:.3g}"]
    cells += [f"{row['peers'][n]:.3g}" if n in row["peers"] else "" for n in names]
    cells += [f"{row['ahead']:.2f}" if row["ahead"] else "", f"{100 * row['peak']:.0f} %"]
    return "| " + " | ".join(cells) + " |"


def chosen(wanted):
    names = [n for n in SHAPES if any(n == w or n.startswith(w) for w in wanted)]
    if not names:
        sys.exit(f"no shape is called {' or '.join(wanted)}; there are {', '.join(SHAPES)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rnnc", default=str(HERE.parent / "build/bin/rnnc"))
    parser.add_argument("--shape", nargs="+", default=[""])
    parser.add_argument("--list", action="store_true", help="show the shapes")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--mode", nargs="+", default=["forward", "training"], choices=["forward", "training"])
    parser.add_argument("--peers", nargs="*", default=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each program in each round")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    if args.list:
        return print("\n".join(f"{name:<24} {shape}" for name, shape in SHAPES.items()))
    names = chosen(args.shape)
    peers = installed(args.peers)
    processor, peak = machine()
    title = (f"{processor}, {datetime.date.today()}: FMA peak {peak['fma_gflops']:.0f} GF/s a core; reads "
             + ", ".join(f"{rate:.0f} GB/s of {size}" for size, rate in peak["read_gbs"].items()))
    head = ["shape", "what", "threads", "rnnc ms", *(p.name + " ms" for p in peers), "ahead", "peak"]
    table = [title, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    print("\n".join(table), flush=True)
    rows = []
    for name in names:
        for one in measure(args, name, peers, peak):
            rows.append(one)
            table.append(line(one, [p.name for p in peers]))
            print(table[-1], flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "layers.md").write_text("\n".join(table) + "\n")
        (args.out / "layers.json").write_text("".join(json.dumps(one) + "\n" for one in rows))
        (args.out / "layers.svg").write_text(bars(rows, title))


if __name__ == "__main__":
    main()
