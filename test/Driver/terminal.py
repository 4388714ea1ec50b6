#!/usr/bin/env python3
"""terminal.py COMMAND...: runs a command on a terminal of 120 columns and says
what was drawn there."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

main, child = pty.openpty()
fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
run = subprocess.Popen(sys.argv[1:], stderr=child, stdout=subprocess.DEVNULL)
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
if run.wait() != 0:
    sys.exit(seen.decode())
text = seen.decode(errors="replace")
frames = [frame for frame in text.split("\r\x1b[K") if frame]
say = lambda what, yes: print(f"{what}: {'yes' if yes else 'no: ' + text[:500]}")
say("redrawn", len(frames) >= 3)
say("bar", any("█" in frame for frame in frames))
say("figures", any(re.search(r"step \d+, loss [\d.]+, perplexity [\d.]+, norm \S+, \S+ tokens/s, \S+ left", frame)
                   for frame in frames))
