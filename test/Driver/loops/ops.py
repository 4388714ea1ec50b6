#!/usr/bin/env python3
"""ops.py A.mlir B.mlir: prints how many ops of each kind there are; fails unless both hold the same."""
import collections
import re
import sys


def ops(path):
    counts = collections.Counter()
    for line in open(path):
        found = re.match(r'\s*(?:%[\w:#, ]+ = )?"?([a-z_]+\.[\w.]+)', line)
        counts[found[1] if found else "other lines"] += 1
    return counts


a, b = ops(sys.argv[1]), ops(sys.argv[2])
for name in sorted(a | b):
    print(name, a[name], *([] if a[name] == b[name] else ["against", b[name]]))
sys.exit(a != b)
