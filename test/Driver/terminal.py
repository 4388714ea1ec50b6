#!/usr/bin/env python3
"""terminal.py COMMAND...: runs a command on a terminal of 120 columns and says
what was drawn there."""
import re
import subprocess
import sys

from terminal_says import on_terminal

status, text = on_terminal(sys.argv[1:], columns=120, stdout=subprocess.DEVNULL)
if status != 0:
    sys.exit(text)
frames = [frame for frame in text.split("\r\x1b[K") if frame]
say = lambda what, yes: print(f"{what}: {'yes' if yes else 'no: ' + text[:500]}")
say("redrawn", len(frames) >= 3)
say("bar", any("█" in frame for frame in frames))
say("figures", any(re.search(r"step \d+, loss [\d.]+, perplexity [\d.]+, norm \S+, \S+ tokens/s, \S+ left", frame)
                   for frame in frames))
