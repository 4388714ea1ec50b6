#!/usr/bin/env python3
"""Reads one line of JSON and holds figures against limits.

    ... --json | expect.py accuracy '>=' 0.9 [KEY OP LIMIT ...]

A key may be a path (`valid.accuracy`). Prints the figures; fails where one
does not hold or is missing.
"""
import json
import operator
import sys

OPS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}

report = json.loads(sys.stdin.read())
arguments = sys.argv[1:]
for key, op, limit in zip(arguments[::3], arguments[1::3], arguments[2::3]):
    value = report
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            sys.exit(f"no `{key}` in {json.dumps(report)}")
        value = value[part]
    print(f"{key} = {value}, asked for {op} {limit}")
    if not OPS[op](value, float(limit)):
        sys.exit(1)
