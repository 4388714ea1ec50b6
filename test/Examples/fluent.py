#!/usr/bin/env python3
"""Reads `rnnc eval --per-line --json` of two lines: the first must be likelier."""
import json
import sys

first, second = (line["perplexity"] for line in json.loads(sys.stdin.read())["lines"])
print(f"perplexity of the fluent line {first}, of the scrambled one {second}")
sys.exit(0 if first < 0.5 * second else 1)
