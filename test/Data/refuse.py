#!/usr/bin/env python3
"""refuse.py FILE... -- COMMAND...: runs the command on each file and prints the
file's name, the exit code and the first line of what is said."""
import os
import subprocess
import sys

split = sys.argv.index("--")
files, command = sys.argv[1:split], sys.argv[split + 1:]
for path in files:
    run = subprocess.run(command + [path], capture_output=True, text=True, errors="replace")
    said = (run.stderr + run.stdout).splitlines() or [""]
    print(f"{os.path.basename(path)}: {run.returncode}: {said[0]}")
