#!/usr/bin/env python3
"""terminal_says.py COMMAND...: runs a command on a terminal and prints what it says there."""
import os
import pty
import subprocess
import sys

main, child = pty.openpty()
run = subprocess.Popen(sys.argv[1:], stderr=child, stdout=child)
os.close(child)
seen = b""
while True:
    try:
        piece = os.read(main, 65536)
    except OSError:
        break
    if not piece:
        break
    seen += piece
run.wait()
print(seen.decode(errors="replace").replace("\r\n", "\n"), end="")
