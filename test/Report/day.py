"""day.py FOLDER: what was predicted of two columns three rows ahead."""
import json
import pathlib
import sys

rows = [[0.5, 1.5], [0.25, 1.25], [0.125, 1.0]]
pathlib.Path(sys.argv[1], "examples.json").write_text(json.dumps({
    "part": "test", "forecast": {}, "samples": [],
    "examples": [{"place": "p:1", "inputs": {"x": rows},
                  "outputs": {"y": {"truth": rows, "predicted": rows[::-1], "scale": rows}}}]}))
