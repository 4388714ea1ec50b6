#!/usr/bin/env python3
"""spills.py LIBRARY...: no tile of a product keeps a sum in memory: in the loop over its terms, between
the first multiplication and the jump back, no vector is written to the stack."""
import re
import subprocess
import sys

for library in sys.argv[1:]:
    text = subprocess.run(["llvm-objdump", "-d", "--no-show-raw-insn", library], check=True,
                          capture_output=True, text=True).stdout
    tiles = re.findall(r"<(rnnc\.gemm\.(?:phase\.)?tile[^>]*)>:\n(.*?)(?:\n\n|\Z)", text, re.S)
    assert tiles, library
    for name, body in tiles:
        lines = re.findall(r"^\s*([0-9a-f]+):\s+(.*)$", body, re.M)
        at = {address: i for i, (address, _) in enumerate(lines)}
        for i, (_, code) in enumerate(lines):
            jump = re.match(r"j\w+\s+0x([0-9a-f]+)", code)
            start = at.get(jump.group(1)) if jump else None
            if start is None or start >= i:
                continue
            loop = [code for _, code in lines[start:i]]
            if any(re.match(r"j\w+\s", code) for code in loop) or not any("vfmadd" in code for code in loop):
                continue  # not an innermost loop, or one that multiplies nothing
            kept = [code for code in loop if re.match(r"vmov\w+\s+%[xyz]mm\d+, -?(0x)?[0-9a-f]*\(%rsp", code)]
            assert not kept, (library, name, kept)
