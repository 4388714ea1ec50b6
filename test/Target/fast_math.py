"""fast_math.py EXACT.so FAST.so: the same losses and gradients within 1e-5, not
the same bits."""
import sys

import numpy as np

from library import *

exact, fast = Library(sys.argv[1]), Library(sys.argv[2])
said = [l.manifest["options"]["fast_math"] for l in (exact, fast)]
x = 3 * np.random.default_rng(0).normal(size=(16, 9, 3))
results = []
for library in (exact, fast):
    module = library.module("M", seed=3)
    status, out = module.call("grad", 16, [9], x=x, y=np.ones(16))
    assert status == OK
    results.append(out)
worst = 0
for name, value in results[0].items():
    scale = max(1e-3, np.abs(value).max())
    worst = max(worst, np.abs(value - results[1][name]).max() / scale)
assert 0 < worst < 1e-5, worst
print(f"exact {said[0]}, fast {said[1]}, losses within {worst:.1e}")
