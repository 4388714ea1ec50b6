"""JAX: lax.scan under jit, the input product outside of the loop.

XLA makes as many threads as its process has cores when it starts, so each number
of threads has a process of its own (jax_child.py), pinned to as many cores.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import weakref

import numpy as np

from peers.timing import cores

if not importlib.util.find_spec("jax"):
    raise ImportError("No module named 'jax'")

CHILD = pathlib.Path(__file__).resolve().parent / "jax_child.py"


def stop(children):
    for child in children.values():
        child.stdin.close()
        child.wait()


class Peer:
    name, modes = "jax", ("forward", "training")

    @staticmethod
    def can(shape):
        return True

    def __init__(self, shape, weights, x, cot, folder):
        self.threads, self.children, self.folder = 1, {}, pathlib.Path(folder)
        lengths = {} if shape.lengths is None else {"lengths": shape.lengths}
        np.savez(self.folder / f"jax-{id(self)}.npz", x=x, cot=cot, **lengths, **weights)
        self.setup = json.dumps({"cell": shape.cell, "groups": [shape.parts] if shape.both else [
            [part] for part in shape.parts]})
        weakref.finalize(self, stop, self.children)

    def ask(self, *words):
        if self.threads not in self.children:
            pinned = ",".join(map(str, cores(self.threads)))
            self.children[self.threads] = subprocess.Popen(
                [sys.executable, CHILD, pinned, self.setup, self.folder / f"jax-{id(self)}.npz"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        child = self.children[self.threads]
        print(*words, file=child.stdin, flush=True)
        answer = child.stdout.readline()
        if not answer:
            raise RuntimeError(f"jax: the process of {self.threads} threads ended")
        return float(answer)

    def results(self):
        path = self.folder / f"jax-{id(self)}-results.npz"
        self.ask("results", path)
        with np.load(path) as results:
            return dict(results)

    def time(self, mode, seconds):
        return self.ask(mode, seconds)
