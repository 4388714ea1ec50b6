"""Does what the README's tour says: python3 readme.py README.md FOLDER

Writes every block that stands under `<!-- file NAME -->` to FOLDER/NAME and
runs every block of the kind ```sh in it, in order.
"""
import os
import re
import subprocess
import sys

readme, folder = sys.argv[1:]
with open(readme) as file:
    text = file.read()
for match in re.finditer(r"^(?:<!-- file (\S+) -->\n)?```(\w*)\n(.*?)^```$", text, re.S | re.M):
    name, kind, block = match.groups()
    if name:
        with open(os.path.join(folder, name), "w") as file:
            file.write(block)
    elif kind == "sh":
        print(f"$ {block}", flush=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, check=True,
                       stdin=subprocess.DEVNULL)
