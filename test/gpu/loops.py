"""Time loops by every plan: the same numbers, and the kernels that were asked for.

    loops.py DRIVER_FOLDER"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "loops.rnn")
LAYERS = ("lstm_7", "gru_5", "rnn_9", "norm_6", "minimal_4", "tilted_8", "counter_6", "pair")


def compile_library(name, schedule, *more, level="-O0", source=SOURCE):
    """What the remarks say of time loops, which LLVM's level does not change."""
    options = list(more)
    if schedule:
        with open(name + ".txt", "w") as file:
            file.write(schedule)
        options.append(f"--schedule={name}.txt")
    run = subprocess.run(["rnnc", source, "--target=cpu,nvptx64", "-march=x86-64-v3", level, "--remarks", "-o", f"lib{name}.so",
                          *options], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert "after all" not in run.stderr, run.stderr
    return re.findall(r"`(\S+/loop\d+)` on sm_80: (.*)", run.stderr)


def run(name, batch, **settings):
    if os.path.exists("log"):
        os.remove("log")
    place = dict(os.environ, LD_LIBRARY_PATH=sys.argv[1], RNNC_PTX_LOG="log", RNNC_PTX_RACES="1", **settings)
    done = subprocess.run([sys.executable, os.path.join(HERE, "on_gpu.py"), f"lib{name}.so", "--batch", str(batch), "--time", "5"],
                          text=True, capture_output=True, env=place)
    assert done.returncode == 0, (name, batch, settings, done.stdout, done.stderr)
    with open("log") as file:
        text = file.read()
    return set(re.findall(r"^kernel (\S+_loop):", text, re.M)), int(re.search(r"total: (\d+) launches", text)[1])


def plans(said, **values):
    return "".join(f"{name}@sm_80: {', '.join(f'{k} = {v}' for k, v in values.items())}\n" for name in dict.fromkeys(n for n, _ in said))


def main():
    said = compile_library("blocks", "", level="-O1")
    names = {name.split(".")[0] for name, _ in said}
    assert names == set(LAYERS), names
    assert all("through all steps" in what for _, what in said), said
    loops, few = run("blocks", 5)
    print(f"{len(said)} time loops in {len(loops)} kernels, a block for two examples: the numbers of a processor")
    for batch in (1, 2, 4):
        run("blocks", batch, RNNC_PTX_SEED=str(batch))
    print("batches of 1, 2 and 4: the same")
    for rows, threads in ((1, 32), (3, 64), (8, 256)):
        compile_library("cut", plans(said, loop_rows=rows, block_threads=threads))
        assert run("cut", 7)[0]
    print("blocks of 1, 3 and 8 examples: the same")
    alone = compile_library("steps", plans(said, loop_plan=1))
    assert all("launched by itself" in what for _, what in alone), alone
    loops, many = run("steps", 5)
    assert not loops and many > 2 * few, (loops, many, few)
    print(f"a launch for each step: {many} launches instead of {few}")
    compile_library("f64", "", "--precision=f64")
    assert run("f64", 5)[0]
    print("f64: the same")


if __name__ == "__main__":
    main()
