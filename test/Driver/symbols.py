"""symbols.py IN [OUT]: writes inputs; with OUT, computes by hand what `machine` of symbols.test gives."""
import random
import sys

import npz

if len(sys.argv) == 2:
    rng = random.Random(1)
    npz.write(sys.argv[1], {"x": [[[rng.gauss(0, 1) for _ in range(2)] for _ in range(7)] for _ in range(3)]})
    sys.exit()
xs, outs = npz.read(sys.argv[1])["x"], npz.read(sys.argv[2])["out"]
for sequence, out in zip(xs, outs):
    at, old, on, off, n, seen, many = 0, 2, 0, 1, 0, [0, 0], [1, 1]
    for x, given in zip(sequence, out):
        for h in range(2):
            want = at + 10 * old + 100 * many[h] + (0.5 * x[h] if seen[h] else 0) + n + (7 if off else 3) + 100 * h
            assert abs(want - given[h]) < 1e-12, (want, given)
        seen = [1 if a > 0.5 else b for a, b in zip(x, seen)]
        many = [2 if a > 0 else b for a, b in zip(x, many)]
        at, old, n, off, on = ((2 if off else 1) if on else 0, at if on else 1 if off else old, 3 if on else n,
                               0 if on else off, int(sum(x) > 0))
print("all as computed by hand")
