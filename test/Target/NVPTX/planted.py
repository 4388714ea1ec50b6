"""Kernels that do wrong, and what is found."""
import sys

import ptx
from threads import Memory, Threads

with open(sys.argv[1]) as file:
    module = ptx.Module(file.read())
for kernel in module.kernels.values():
    memory = Memory()
    try:
        Threads(kernel, memory, 1, 32, [memory.allocate(64)]).run(most=100)
        print(f"{kernel.name}: nothing was found")
    except ptx.Fault as fault:
        print(fault)
