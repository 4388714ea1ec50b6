#!/usr/bin/env python3
"""arguments.py FILE.npz: arguments of passes.rnn, three examples of 7, 3 and 0 steps.

arguments.py FILE.npz NAME=5x11x3 NAME=11,0,4: numbers drawn for a shape, and those given.
"""
import random
import sys

from npz import write

draw = random.Random(1)


def normal(*shape):
    return [normal(*shape[1:]) for _ in range(shape[0])] if shape else draw.gauss(0, 1)


def argument(text):
    """What a NAME=... says."""
    name, what = text.split("=")
    given = [int(number) for number in what.replace("x", ",").split(",")]
    return name, normal(*given) if "x" in what else given


write(sys.argv[1], dict(map(argument, sys.argv[2:])) or {
    "x": normal(3, 7, 3), "z": normal(3, 4, 3), "y": normal(3), "T": [7, 3, 0],
    "words": [[draw.randrange(7) for _ in range(7)] for _ in range(3)]})
