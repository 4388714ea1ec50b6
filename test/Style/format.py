"""C and C++ files look as clang-format writes them: format.py ROOT CLANG_FORMAT [--fix]"""
import os
import subprocess
import sys

root, formatter, *options = sys.argv[1:]
FOLDERS = ("bench", "include", "lib", "test", "tools")


def sources():
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".cpp", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def unformatted(paths):
    """Those of the paths that clang-format would change."""
    run = subprocess.run([formatter, "--dry-run", *paths], cwd=root, capture_output=True,
                         text=True, check=False)
    return {line.split(":")[0] for line in run.stderr.splitlines()
            if "[-Wclang-format-violations]" in line}


paths = list(sources())
if "--fix" in options:
    subprocess.run([formatter, "-i", *paths], cwd=root, check=True)
wrong = unformatted(paths)
print("\n".join(f"{path}: not as clang-format writes it (test/Style/format.py --fix)"
                for path in sorted(wrong)) or f"{len(paths)} files are formatted")
sys.exit(bool(wrong))
