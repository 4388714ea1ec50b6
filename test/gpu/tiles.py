"""Products in tiles: a block of threads for each, whatever tiles divide a result
and however operands lie; the numbers of a processor.

    tiles.py DRIVER_FOLDER"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "tiles.rnn")


def compile_library(name, schedule, *more, level="-O0"):
    """What the remarks say of products on the GPU, which LLVM's level does not change."""
    with open(name + ".txt", "w") as file:
        file.write(schedule)
    run = subprocess.run(["rnnc", SOURCE, "--target=cpu,nvptx64", "-march=x86-64-v3", level, "--remarks", "-o", f"lib{name}.so",
                          f"--schedule={name}.txt", *more], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    return re.findall(r"`(\S+)` on sm_80: there is (.*)", run.stderr)


def run(name, *options, **settings):
    """How often kernels with and without tiles were launched."""
    if os.path.exists("log"):
        os.remove("log")
    place = dict(os.environ, LD_LIBRARY_PATH=sys.argv[1], RNNC_PTX_LOG="log", RNNC_PTX_RACES="1", **settings)
    done = subprocess.run([sys.executable, os.path.join(HERE, "on_gpu.py"), f"lib{name}.so", *options],
                          text=True, capture_output=True, env=place)
    assert done.returncode == 0, (name, options, settings, done.stdout, done.stderr)
    with open("log") as file:
        launches = re.findall(r"^kernel \S+_(tiles|product): (\d+) launches", file.read(), re.M)
    return [sum(int(count) for kind, count in launches if kind == what) for what in ("tiles", "product")]


def cut(products, rows, columns, steps, least=1):
    return "".join(f"{name}@sm_80: block_rows = {rows}, block_columns = {columns}, block_steps = {steps}, flat_rows = {least}\n"
                   for name in products)


def every_plan(loops, plan):
    return "".join(f"{name}@sm_80: loop_plan = {plan}\n" for name in loops)


def main():
    products = [name for name, _ in compile_library("plain", "")]
    names = {name.split("/")[0] for name in products}
    assert names == {f"{layer}.{what}" for layer in ("even", "odd", "rows") for what in ("forward", "vjp")}, names
    steps = every_plan([f"{name}/loop{i}" for name in names for i in range(2 if "vjp" in name else 1)], "step")
    for rows, columns, terms in ((128, 128, 8), (64, 32, 16), (16, 48, 32)):
        compile_library("tiles", steps + cut(products, rows, columns, terms), level="-O1" if rows == 128 else "-O0")
        tiled, others = run("tiles", "--batch", "5", "--time", "7", RNNC_PTX_SEED=str(rows))
        assert tiled, others
        print(f"tiles of {rows} x {columns}, {terms} terms at a time: {tiled} launches, the numbers of a processor", flush=True)
    for batch, time in ((1, 1), (1, 9), (40, 14)):
        run("tiles", "odd.vjp", "--batch", str(batch), "--time", str(time))
    print("one row, a few, and sums of more terms than are added up at once: the same")
    run("tiles", "even.forward", "--there")
    print("arrays of the caller's: the same")
    compile_library("few", steps + cut(products, 32, 32, 8, 30))
    tiled, others = run("few", "even.forward", "--batch", "4", "--time", "7")
    more, fewer = run("few", "even.forward", "--batch", "5", "--time", "7")
    assert more > tiled and fewer < others, (tiled, others, more, fewer)
    print(f"results of too few rows are made without tiles: {tiled} launches, with enough {more}")
    compile_library("f64", steps + cut(products, 128, 128, 8), "--precision=f64")
    assert run("f64", "--batch", "7", "--time", "8")[0]
    print("f64: the same")


if __name__ == "__main__":
    main()
