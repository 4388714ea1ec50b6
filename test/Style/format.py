"""C and C++ files look as clang-format writes them: format.py ROOT CLANG_FORMAT [--fix]

`unformatted.txt` lists what is not there yet, files and folders, one a line. A line that is not
needed any more is an error too.
"""
import os
import subprocess
import sys

root, formatter, *options = sys.argv[1:]
FOLDERS = ("bench", "include", "lib", "test", "tools")

with open(os.path.join(root, "test", "Style", "unformatted.txt"), encoding="utf-8") as file:
    waiting = [line.strip() for line in file if line.strip() and not line.startswith("#")]


def sources():
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".cpp", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def is_waiting(path):
    return next((line for line in waiting
                 if path == line or (line.endswith("/") and path.startswith(line))), None)


def unformatted(paths):
    """Those of the paths that clang-format would change."""
    run = subprocess.run([formatter, "--dry-run", *paths], cwd=root, capture_output=True,
                         text=True, check=False)
    return {line.split(":")[0] for line in run.stderr.splitlines()
            if "[-Wclang-format-violations]" in line}


paths = list(sources())
if "--fix" in options:
    subprocess.run([formatter, "-i", *(p for p in paths if not is_waiting(p))], cwd=root, check=True)
found = unformatted(paths)
wrong = [f"{path}: not as clang-format writes it (test/Style/format.py --fix)"
         for path in sorted(found) if not is_waiting(path)]
needed = {is_waiting(path) for path in found}
wrong += [f"unformatted.txt: {line} is formatted: take it off the list"
          for line in waiting if line not in needed]
print("\n".join(wrong) or f"{len(paths) - len(found)} files are formatted, {len(found)} wait")
sys.exit(bool(wrong))
