"""A class name is that of one class: classes.py ROOT

Classes and structs of lib, include and tools, also those that one file keeps to itself; without
those inside of others. `twice.txt` lists names that more than one class has still. A line that is
not needed any more is an error too.
"""
import collections
import os
import re
import sys

root = sys.argv[1]
DEFINITION = re.compile(r"^(?:class|struct) (?:alignas\(\w+\) )?(\w+)(?: final)?(?: *:[^:;]*| *)(?:\{|$)",
                        re.M)

with open(os.path.join(root, "test", "Style", "twice.txt"), encoding="utf-8") as file:
    allowed = {line.strip() for line in file if line.strip() and not line.startswith("#")}

places = collections.defaultdict(set)
for top in ("lib", "include", "tools"):
    for folder, _, names in os.walk(os.path.join(root, top)):
        for name in names:
            if name.endswith((".cpp", ".h")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    for found in DEFINITION.findall(file.read()):
                        places[found].add(os.path.relpath(path, root))

twice = {name: paths for name, paths in places.items() if len(paths) > 1}
wrong = [f"{name} is the name of several classes: {', '.join(sorted(paths))}"
         for name, paths in sorted(twice.items()) if name not in allowed]
wrong += [f"twice.txt: {name} is the name of one class: take it off the list"
          for name in sorted(allowed - set(twice))]
print("\n".join(wrong) or f"{len(places) - len(twice)} names of one class, {len(twice)} of several")
sys.exit(bool(wrong))
