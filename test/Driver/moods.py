#!/usr/bin/env python3
"""moods.py FILE COUNT SEED: labelled letters for the hand-written classifier."""
import random
import sys

path, count, seed = sys.argv[1:]
rng = random.Random(int(seed))
with open(path, "w") as file:
    file.write("mood\twords\n")
    for i in range(int(count)):
        file.write(f"{'good' if i % 2 else 'bad'}\t{' '.join(rng.choices('abcdefgh', k=rng.randint(3, 9)))}\n")
