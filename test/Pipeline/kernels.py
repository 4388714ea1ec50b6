"""The kernels of an object, by what they do: kernels.py OBJECT [OBJECT]

Prints how many instructions each kernel has, without its number. With two objects, those kernels
of the first that the second has not, instruction by instruction.
"""
import collections
import re
import subprocess
import sys


def kernels(path):
    text = subprocess.run(["llvm-objdump", "-dr", "--no-show-raw-insn", path],
                          check=True, capture_output=True, text=True).stdout
    found = collections.Counter()
    for block in re.split(r"\n(?=[0-9a-f]+ <)", text):
        head = re.match(r"[0-9a-f]+ <(rnnc\.kernel\.\d+[^>]*)>:\n", block)
        if not head:
            continue
        lines = []
        for line in block.splitlines()[1:]:
            if not line.strip() or line.startswith("Disassembly"):
                continue
            line = re.sub(r"^\s*[0-9a-f]+:\s*", "", line)  # where it stands
            line = re.sub(r"rnnc\.kernel\.\d+", "rnnc.kernel", line)
            line = re.sub(r"\.LCPI\d+_\d+|\.rodata\.cst\d+[-+0-9a-fx]*", "CONSTANT", line)
            lines.append(re.sub(r"#.*", "", line).rstrip())
        found[re.sub(r"\d+", "N", head.group(1), count=1), "\n".join(lines)] += 1
    return found


sets = [kernels(path) for path in sys.argv[1:]]
rest = sets[0] - sets[1] if len(sets) > 1 else sets[0]
for (name, code), count in sorted(rest.items(), key=lambda item: -len(item[0][1])):
    print(f"{name}: {code.count(chr(10)) + 1} instructions" + (f", {count} times" * (count > 1)))
print(f"{rest.total()} of {sets[0].total()}")
