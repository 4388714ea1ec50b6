"""A random program on a GPU, through the interpreter of PTX: what its library
computes there and on a processor."""
import os
import pathlib
import random
import re
import subprocess
import sys

ON_GPU = pathlib.Path(__file__).resolve().parent.parent / "gpu" / "on_gpu.py"
LIMIT = 300  # seconds of a call


def decisions(remarks, draw):
    """A plan for each time loop, and tiles for some products."""
    lines = []
    for name in sorted(set(re.findall(r"`(\S+/loop\d+)` on sm_80", remarks))):
        plan = draw.choice(("step", "block", "grid"))
        more = {"block": f", loop_rows = {draw.choice((1, 2, 3))}", "grid": f", loop_blocks = {draw.choice((1, 3, 4))}"}
        lines.append(f"{name}@sm_80: loop_plan = {plan}{more.get(plan, '')}, block_threads = {draw.choice((32, 64))}\n")
    for name in sorted(set(re.findall(r"`(\S+/product\d+)` on sm_80", remarks))):
        if draw.random() < 0.3:
            lines.append(f"{name}@sm_80: block_rows = 16, block_columns = {draw.choice((16, 32))}, flat_rows = {draw.choice((1, 6))}\n")
    return "".join(lines)


def call(words, folder, **place):
    try:
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", timeout=LIMIT,
                              env=dict(os.environ, **place))
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(words, 124, "", f"takes more than {late.timeout} s")


def check(text, seed, driver, folder):
    """What kind of outcome, and what was said."""
    draw = random.Random(seed)
    pathlib.Path(folder, "program.rnn").write_text(text)
    precision = draw.choice(("f64", "f64", "f32"))
    words = ["rnnc", "program.rnn", "--target=cpu,nvptx64", "-march=x86-64-v3", f"-O{draw.choice((0, 0, 1))}",
             f"--precision={precision}", "--remarks", "-o", "libprogram.so"]
    done = call(words, folder)
    if done.returncode == 0:
        pathlib.Path(folder, "plans.txt").write_text(decisions(done.stderr, draw))
        done = call(words + ["--schedule=plans.txt"], folder)
    if done.returncode:
        isKnown = re.search(r"error\[E(142|404|423|908)\]", done.stderr)
        return ("not supported" if isKnown else f"not compiled ({done.returncode})"), done.stderr
    done = call([sys.executable, str(ON_GPU), "libprogram.so", "--batch", str(draw.choice((1, 2, 4))), "--time", str(draw.choice((1, 2, 4))),
                 "--loose"], folder, LD_LIBRARY_PATH=driver, RNNC_PTX_SEED=str(seed % 2**31),
                RNNC_PTX_WEAK=draw.choice("01"), RNNC_PTX_SMS="8")
    said = done.stdout + done.stderr
    return ("agrees" if done.returncode == 0 else "differs on a GPU"), said
