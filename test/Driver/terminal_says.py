#!/usr/bin/env python3
"""terminal_says.py COMMAND...: runs a command on a terminal and prints what it says there."""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def on_terminal(command, columns=None, stdout=None):
    """(exit status, what a terminal was told): on both streams, or where `stdout` is given on stderr."""
    main, child = pty.openpty()
    if columns:
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    run = subprocess.Popen(command, stderr=child, stdout=child if stdout is None else stdout)
    os.close(child)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # how Linux says that nobody holds the other end
            break
        if not piece:
            break
        seen += piece
    return run.wait(), seen.decode(errors="replace")


if __name__ == "__main__":
    print(on_terminal(sys.argv[1:])[1].replace("\r\n", "\n"), end="")
