#!/usr/bin/env python3
"""truncated_arguments.py ALL.npz WEIGHTS.npz INPUTS.npz: arguments of truncated.rnn.in."""
import random
import sys

from npz import write

draw = random.Random(3)


def normal(*shape):
    return [normal(*shape[1:]) for _ in range(shape[0])] if shape else draw.gauss(0, 1)


weights = {"net.W": normal(3, 2), "net.U": normal(3, 3), "net.b": normal(3), "v": normal(3)}
inputs = {"x": normal(4, 7, 2), "T": [7, 4, 1, 0]}
write(sys.argv[1], {**weights, **inputs})
write(sys.argv[2], weights)
write(sys.argv[3], inputs)
