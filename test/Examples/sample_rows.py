#!/usr/bin/env python3
"""sample_rows.py IN OUT N: the header and the first N rows of every label."""
import collections
import sys

source, target, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = collections.Counter()
with open(source, encoding="utf-8") as rows, open(target, "w", encoding="utf-8") as out:
    out.write(next(rows))
    for row in rows:
        label = row.split("\t", 1)[0]
        seen[label] += 1
        if seen[label] <= most:
            out.write(row)
