#!/usr/bin/env python3
"""odd_rows.py OUT.npz T F writes examples of zeros, of tiny numbers, with an infinity, with NaN, and a plain one;
odd_rows.py A.npz B.npz holds results for them against each other."""
import math
import sys

from npz import nest, read_flat, write

if len(sys.argv) == 4:
    steps, features = int(sys.argv[2]), int(sys.argv[3])
    some = [math.sin(i) for i in range(steps * features)]
    rows = [[0.0] * len(some), [1e-39 * v for v in some], [1e-30 * v for v in some], list(some), list(some), some]
    rows[3][-1], rows[4][-1] = math.inf, math.nan
    write(sys.argv[1], {"x": nest([v for row in rows for v in row], (len(rows), steps, features))})
else:
    a, b = (read_flat(name)["out"] for name in sys.argv[1:])
    each = len(a[1]) // 6
    for row in range(6):
        pairs = list(zip(a[1][row * each:][:each], b[1][row * each:][:each]))
        # Infinities are none of what bytes can hold: the last step alone has one.
        odd = [not math.isfinite(y) for _, y in pairs]
        last = each - each // 9
        if any(odd[:last]) or any(odd) != (row in (3, 4)):
            sys.exit(f"row {row}: {odd}")
        if any(abs(x - y) > 0.02 for (x, y), is_odd in zip(pairs, odd) if not is_odd and row not in (3, 4)):
            sys.exit(f"row {row}: {pairs}")
