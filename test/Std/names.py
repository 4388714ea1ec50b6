"""The compiler knows no cell: names.py ROOT

No code of lib, include or tools names a cell of the standard library. Comments and the
descriptions of TableGen may: they cite papers and show examples. So may the files below.
"""
import os
import re
import sys

root = sys.argv[1]

# What tells people which cell is meant by a word of another language, and how one is written.
ALLOWED = {os.path.join("lib", "Frontend", name) for name in ("Foreign.cpp", "ParseHelp.cpp")}

with open(os.path.join(root, "lib", "Std", "std.rnn"), encoding="utf-8") as file:
    cells = re.findall(r"^cell (\w+)|^layer (bi\w+)", file.read(), re.M)
cells = sorted(name or layer for name, layer in cells)
pattern = re.compile(r"\b(" + "|".join(cells) + r")(?=\b|_)", re.I)


def code(text, path):
    """The text without comments, descriptions and help, its lines kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    if path.endswith(".td"):
        text = re.sub(r"\[\{.*?\}\]", blank, text, flags=re.S)
    text = re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)
    # What a tool prints as an example: `rnnc run libcells.so lstm.vjp ...`.
    return re.sub(r'"[^"\n]*\brnnc \w+ [^"\n]*"', blank, text)


found = []
for top in ("lib", "include", "tools"):
    for folder, _, names in sorted(os.walk(os.path.join(root, top))):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if path.startswith(os.path.join("lib", "Std")) or path in ALLOWED:
                continue
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = code(file.read(), path)
            for number, line in enumerate(text.splitlines(), 1):
                if match := pattern.search(line):
                    found.append(f"{path}:{number}: the compiler names the cell `{match.group(1)}`")
print("\n".join(found) or f"none of {len(cells)} cells is named")
sys.exit(bool(found))
