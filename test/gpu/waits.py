"""How often the blocks of a grid wait for each other in a step, as the code of
their kernels says: in every step, and more where sequences end.

    waits.py"""
import os
import re
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loops.rnn")


def emit(*more):
    run = subprocess.run(["rnnc", SOURCE, "--target=nvptx64", "--emit=gpu", "--remarks", *more], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    return run.stdout, re.findall(r"`(\S+/loop\d+)` on sm_80", run.stderr)


_, loops = emit()
with open("grid.txt", "w") as file:
    file.writelines(f"{name}@sm_80: loop_plan = grid, loop_blocks = 3, block_threads = 64\n" for name in dict.fromkeys(loops))
text, _ = emit("--schedule=grid.txt")
for name, body in re.findall(r"gpu\.func @(\w+)_grid\((.*?)gpu\.return", text, re.S):
    loop = max(re.finditer(r"^( +)scf\.for ", body, re.M), key=lambda one: -len(one[1]) * 10**6 + one.start())
    waits = [len(indent) - len(loop[1]) for indent in re.findall(r"^( +)%\w+ = llvm\.atomicrmw add", body[loop.start():], re.M)]
    print(f"{name}: {waits.count(4)} in every step, {sum(depth > 4 for depth in waits)} more where sequences end")
