#!/usr/bin/env python3
"""text.py FILE: a text of ten letters with a pattern in it, for the hand-written library."""
import random
import sys

rng = random.Random(1)
with open(sys.argv[1], "w") as file:
    file.write("".join(rng.choice(["abcde", "fghij", "aabb"]) for _ in range(600)))
