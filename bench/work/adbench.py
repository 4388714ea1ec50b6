"""The LSTM objective of ADBench in f64 and its gradient, beside a plain C++ objective.

Characters are drawn bits, parameters and first states uniform in [0, 1). The
loss has to be that of the C++ program to 1e-8, the gradient along a drawn
direction its difference quotient to 1e-6."""
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
from compare import read_safetensors, write_safetensors

from work import Row
from work.memory import peak

HERE = pathlib.Path(__file__).resolve().parent
BITS = 14
WORK = {f"adbench-l{layers}-c{characters}": (layers, characters) for layers in (2, 4) for characters in (1024, 4096)}
WORK["tiny-adbench"] = (2, 7)


def source(layers):
    names = [chr(ord("a") + k) for k in range(layers)]
    states = ", ".join(f"h{k} : [B], c{k} : [B]" for k in range(layers))
    first = ", ".join(f"{n}.h: h{k}, {n}.c: c{k}" for k, n in enumerate(names))
    cell = (HERE.parents[1] / "test/Frontend/programs/adbench.rnn").read_text().split("model ADBench")[0]
    return (f"{cell}model ADBench {{\n  time T\n  input x : [T, B], y : [T, B]\n  input {states}\n"
            "  param win, wout, bout : [B] ~ uniform(0, 1)\n"
            f"  use net = {' >> '.join(f'{n}: dlstm' for n in names)}\n"
            f"  s = scan net over x * win from {{{first}}}\n  p = s * wout + bout\n"
            "  loss -(mean t in T: mean k in B: y[t, k] * (p[t, k] - log(2 + sum(exp(p[t])))))\n}\n\n"
            "export ADBench.loss, ADBench.grad\n")


class Problem:
    def __init__(self, layers, characters):
        random = np.random.default_rng(4)
        self.layers, self.characters = layers, characters
        self.weights, self.inputs = {}, {}
        for k in range(layers):
            for name in "wb":
                self.weights[f"net.{chr(ord('a') + k)}.{name}"] = random.uniform(size=(4, BITS))
            for name in "hc":
                self.inputs[f"{name}{k}"] = random.uniform(size=(1, BITS))
        for name in ("win", "wout", "bout"):
            self.weights[name] = random.uniform(size=BITS)
        self.text = random.integers(0, 2, (characters, BITS)).astype(np.float64)
        self.inputs.update(x=self.text[None, :-1].copy(), y=self.text[None, 1:].copy())
        self.direction = {name: random.uniform(-1, 1, w.shape) for name, w in self.weights.items()}

    def binary(self, path, along=0.0):
        """For the C++ program; parameters moved along the direction."""
        moved = {name: w + along * self.direction[name] for name, w in self.weights.items()}
        order = [n for n in moved if n.startswith("net.")] + ["win", "wout", "bout"]
        first = [self.inputs[f"{name}{k}"] for k in range(self.layers) for name in "hc"]
        np.concatenate([a.reshape(-1) for a in [*(moved[n] for n in order), *first, self.text]]).tofile(path)


class Programs:
    def __init__(self, args, folder, problem):
        self.args, self.folder, self.problem = args, folder, problem
        (folder / "model.rnn").write_text(source(problem.layers))
        subprocess.run([args.rnnc, folder / "model.rnn", "-O3", "-march=native", "--precision=f64", "-o",
                        folder / "libmodel.so"], check=True)
        subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-O3", "-march=native", HERE / "objective.cpp", "-o",
                        folder / "objective"], check=True)
        write_safetensors(folder / "w.safetensors", problem.weights)
        write_safetensors(folder / "in.safetensors", problem.inputs)

    def ours(self, verb, function, *options):
        run = subprocess.run([self.args.rnnc, verb, self.folder / "libmodel.so", f"ADBench.{function}", "--weights",
                              self.folder / "w.safetensors", "--in", self.folder / "in.safetensors", "--json", *options],
                             check=True, capture_output=True, text=True)
        return json.loads(run.stdout)

    def theirs(self, along=0.0, seconds=0.0):
        self.problem.binary(self.folder / "data.bin", along)
        run = subprocess.run([self.folder / "objective", self.folder / "data.bin", str(self.problem.layers),
                              str(self.problem.characters), str(seconds)], check=True, capture_output=True, text=True)
        return [float(word) for word in run.stdout.split()]

    def time(self, function, seconds):
        return self.ours("bench", function, "--min-time", str(seconds), "--max-time", str(3 * seconds))["best_ms"] / 1e3

    def wrong(self):
        """What is wrong with the numbers; nothing if they agree."""
        self.ours("run", "grad", "--out", self.folder / "out.safetensors")
        results, step = read_safetensors(self.folder / "out.safetensors"), 1e-5
        loss, wanted = float(results["loss"].reshape(-1)[0]), self.theirs()[0]
        if not abs(loss - wanted) <= 1e-8:
            return f"the objective is {wanted:.15g}, ours {loss:.15g}"
        slope = (self.theirs(step)[0] - self.theirs(-step)[0]) / (2 * step)
        got = sum(float((results[f"grad.{n}"] * d).sum()) for n, d in self.problem.direction.items())
        if not abs(got - slope) <= 1e-6 * max(1, abs(slope)):
            return f"the slope is {slope:.9g}, ours {got:.9g}"
        return None


def measure(args, name, peers):
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(args, pathlib.Path(folder), Problem(*WORK[name]))
        if wrong := programs.wrong():
            return args.disagree(name, wrong)
        loss = grad = plain = 1e9
        for _ in range(args.rounds):
            plain = min(plain, programs.theirs(seconds=args.seconds)[1])
            loss = min(loss, programs.time("loss", args.seconds))
            grad = min(grad, programs.time("grad", args.seconds))
        yield Row(name, "objective", 1, {"rnnc": loss, "C++": plain})
        yield Row(name, f"gradient, {grad / loss:.2f} × own objective", 1, {"rnnc": grad, "C++": plain})
        yield Row(name, "memory", 1, {"rnnc": peak(programs.folder, "ADBench", "grad", 1, WORK[name][1] - 1)})
