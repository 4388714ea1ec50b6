"""deploy_run.py LIBRARY WEIGHTS LINES: `rnnc run` predicts the signal of deploy.c
from the weights that it saved; leaves the input as LINES.npz."""
import struct
import subprocess
import sys

import numpy as np

library, weights, lines = sys.argv[1:]
state, x = 7, np.zeros((2, 24, 2), np.float32)
for i in np.ndindex(x.shape):
    state = (state * 1664525 + 1013904223) % 2**32
    x[i] = np.float32(state >> 16) / np.float32(32768) - np.float32(1)
np.savez(lines + ".npz", x=x)
subprocess.run(["rnnc", "run", library, "predict", "--weights", weights, "--in", lines + ".npz",
                "--out", lines + ".out.npz"], check=True, stdout=subprocess.DEVNULL)
out = np.load(lines + ".out.npz")
for line in open(lines):
    place, value = line.split(":")
    t, b = map(int, place.split())
    bits, mode = value.split()
    level, = struct.unpack(">f", bytes.fromhex(bits))
    # The tool compiles nothing: it is the same library with the same code.
    assert out["level"][b, t] == level and out["mode"][b, t] == int(mode), line
print("the tool predicts the same")
