"""symbols.py LIBRARY.so OBJECT.o: only the API is visible, nothing is needed but
libc and libm, and memory is asked for by few functions that say so."""
import os
import re
import subprocess
import sys


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


library, object_ = sys.argv[1:]
name = os.path.basename(library).split(".")[0].removeprefix("lib")
defined = [line.split()[-1] for line in lines("nm", "-D", "--defined-only", library)]
assert len(defined) > 20 and all(s.startswith(name + "_") for s in defined), defined
declared = open(os.path.splitext(library)[0] + ".h").read()
for symbol in defined:
    assert symbol + "(" in declared, symbol
defined = [line.split()[-1] for line in lines("nm", "-g", "--defined-only", object_)]
assert all(s.startswith(name + "_") for s in defined), defined
needed = [line.split("[")[1].split("]")[0] for line in lines("readelf", "-d", library)
          if "(NEEDED)" in line]
assert set(needed) <= {"libc.so.6", "libm.so.6"}, needed
assert not any("TEXTREL" in line for line in lines("readelf", "-d", library))
assert any("GNU_STACK" in line and "RWE" not in line
           for line in lines("readelf", "-lW", library))
# Writable data would be state that calls share.
for line in lines("readelf", "-SW", object_):
    section = re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+\S+\s+\S+\s+(\S+)", line)
    if section and re.match(r"\.(data|bss|tdata|tbss)", section[1]):
        assert section[1].startswith(".data.rel.ro") or int(section[2], 16) == 0, line
where, asks = "", set()
for line in lines("objdump", "-r", object_):
    if line.startswith("RELOCATION RECORDS FOR"):
        where = line.split("[")[1].split("]")[0]
    for function in ("aligned_alloc", "malloc", "calloc", "realloc", "free"):
        if line.split() and line.split()[-1].split("-")[0].split("+")[0] == function:
            asks.add((function, where))
assert {f for f, _ in asks} == {"aligned_alloc", "free", "realloc"}, asks
allocate = ("context_create", "context_destroy", "open", "reserve", "close", "params_load_file",
            "params_init", "prepare",
            # What the threads of a context share, with their own stacks.
            "context_finish")
team = (".text._ZN4rnnc2rt9startTeamEi", ".text._ZN4rnnc2rt10finishTeamEPNS0_4TeamE")
assert all(w in team or w.removeprefix(".text.rnnc_rt_") in allocate for _, w in asks), asks
print("only the API, libc and libm; memory:", *sorted(w for _, w in asks))
