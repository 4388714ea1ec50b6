"""oneDNN, called from C++ (onednn.cpp): what its two versions have in common as peers.

A forward has its weights packed before and is the better of its inference and
training paths; a training step packs the weights, as each update changes them.
It has no lengths of sequences: of ragged ones it computes the padding, too.
"""
import atexit
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from peers.timing import cores

SOURCE = pathlib.Path(__file__).resolve().parent / "onednn.cpp"
CELLS = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn", "peephole": "peephole"}


def built(package, *options):
    """The program, compiled against one installed oneDNN."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = pathlib.Path(folder) / "onednn"
    run = subprocess.run([os.environ.get("CXX", "c++"), "-O2", "-std=c++17", SOURCE, *options, "-ldnnl", "-o", program],
                         capture_output=True, text=True)
    if run.returncode:
        wrong = next((line for line in run.stderr.splitlines() if "error" in line), "c++ failed")
        raise ImportError(f"{wrong.split('error: ')[-1]} ({package})")
    return program


class OneDNN:
    """A peer but for its name, its program, and the environment that this runs in."""
    modes = ("forward", "training")
    environment = {}

    @staticmethod
    def can(shape):
        # The backward direction would begin in the padding.
        return shape.cell in CELLS and not (shape.ragged and shape.both)

    def __init__(self, shape, weights, x, cot, folder):
        self.shape, self.threads = shape, 1
        self.input = pathlib.Path(folder) / f"{self.name}-{id(self)}.in"
        self.output = self.input.with_suffix(".out")
        parts = [x.transpose(1, 0, 2), *self.plain(weights), cot.transpose(1, 0, 2)]
        self.input.write_bytes(b"".join(np.ascontiguousarray(part, np.float32).tobytes() for part in parts))

    @property
    def order(self):
        """Where each of its gates stands among ours; that of its GRU is z r n."""
        return {"gru": [1, 0, 2], "rnn_tanh": [0]}.get(self.shape.cell, [0, 1, 2, 3])

    def plain(self, weights):
        """Our weights in its layout: of all parts W, U, b and P."""
        s = self.shape
        of = lambda name: np.stack([weights[f"{p}.{name}"].reshape(len(self.order), s.hidden, -1)[self.order]
                                    for p in s.parts])
        bias = of("b")[..., 0]
        if s.cell == "gru":  # biases of r and z are one each
            second = of("d")[..., 0]
            bias = np.concatenate([bias[:, :2] + second[:, :2], bias[:, 2:], second[:, 2:]], 1)
        peep = [np.stack([weights[f"{p}.P"] for p in s.parts])] if s.cell == "peephole" else []
        return [of("W").transpose(0, 3, 1, 2), of("U").transpose(0, 3, 1, 2), bias, *peep]

    def call(self, mode, seconds):
        s = self.shape
        sizes = (1 if s.both else s.layers, 2 if s.both else 1, s.steps, s.batch, s.hidden)
        run = subprocess.run(
            ["taskset", "-c", ",".join(map(str, cores(self.threads))), self.program, CELLS[s.cell],
             *map(str, sizes), mode, str(seconds), self.input, self.output], capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(self.threads), "OMP_PROC_BIND": "close", **self.environment})
        if run.returncode:
            raise RuntimeError(f"{self.name}: {run.stderr.strip() or run.returncode}")
        return float(run.stdout)

    def gradients(self, numbers):
        """Those of all parts by our names, from what stands behind y in its file."""
        s, gates = self.shape, len(self.order)
        at, parts = 0, len(s.parts)

        def take(*sizes):
            nonlocal at
            at += int(np.prod(sizes))
            return numbers[at - int(np.prod(sizes)):at].reshape(sizes)

        ours = np.argsort(self.order)
        yield "grad.x", take(s.steps, s.batch, s.hidden).transpose(1, 0, 2)
        for name in "WU":
            for part, value in zip(s.parts, take(parts, s.hidden, gates, s.hidden).transpose(0, 2, 3, 1)[:, ours]):
                yield f"grad.{part}.{name}", value
        for part, value in zip(s.parts, take(parts, gates + (s.cell == "gru"), s.hidden)):
            yield f"grad.{part}.b", value[ours]
            if s.cell == "gru":
                yield f"grad.{part}.d", value[[1, 0, 3]]
        if s.cell == "peephole":
            for part, value in zip(s.parts, take(parts, 3, s.hidden)):
                yield f"grad.{part}.P", value

    def results(self):
        s, outs = self.shape, []
        for mode in self.modes:
            self.call(mode, 0)
            numbers = np.fromfile(self.output, np.float32)
            size = s.steps * s.batch * s.outputs
            outs.append(numbers[:size].reshape(s.steps, s.batch, s.outputs).transpose(1, 0, 2))
        # Inference and training are different programs: where they differ neither is right.
        out = np.where(np.isclose(*outs, atol=1e-4), outs[0], np.nan)
        if s.lengths is not None:
            out = np.where((np.arange(s.steps) < s.lengths[:, None])[..., None], out, 0)
        return {"out": out, **dict(self.gradients(numbers[size:]))}

    def time(self, mode, seconds):
        return self.call(mode, seconds)
