#!/usr/bin/env python3
"""interrupt.py COMMAND...: ends a command as Ctrl-C does; it must end with 130."""
import pathlib
import signal
import subprocess
import sys
import time

run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
log = pathlib.Path(sys.argv[sys.argv.index("--out") + 1], "log.jsonl")
for _ in range(200):  # until training has written its first checkpoint
    if log.exists():
        break
    time.sleep(0.05)
run.send_signal(signal.SIGINT)
print(run.communicate(timeout=60)[0], end="")
if run.returncode != 130:
    sys.exit(f"exit code {run.returncode}, expected 130")
