#!/usr/bin/env python3
"""exits.py CODE COMMAND...: passes on what a command says, on either stream, and
fails unless it ends with the exit code."""
import subprocess
import sys

run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(run.stdout, end="")
if run.returncode != int(sys.argv[1]):
    sys.exit(f"exit code {run.returncode}, expected {sys.argv[1]}")
