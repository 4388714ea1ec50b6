"""Time loops that many blocks run together: the numbers of a processor, whatever
order blocks run in and however late they see what others wrote; devices without
room for them launch each step; and bugs on purpose are caught.

    grids.py DRIVER_FOLDER [SEEDS]"""
import os
import re
import subprocess
import sys

from loops import HERE, LAYERS, compile_library, plans
from planted import BARRIER, Text

ROOM = {"RNNC_PTX_SMS": "16"}
DRIVER = sys.argv[1]


def run(name, *options, driver=DRIVER, **settings):
    """Loops that ran as one launch, those that found no room, and launches of
    their kernels; None and what was said where the numbers are others."""
    if os.path.exists("log"):
        os.remove("log")
    place = dict(os.environ, LD_LIBRARY_PATH=driver, RNNC_PTX_LOG="log", **settings)
    done = subprocess.run([sys.executable, os.path.join(HERE, "on_gpu.py"), f"lib{name}.so", *options],
                          text=True, capture_output=True, env=place)
    if done.returncode:
        return None, done.stdout + done.stderr
    grids, refused = map(int, re.search(r"(\d+) grids, (\d+) without room", done.stdout).groups())
    with open("log") as file:
        launches = sum(map(int, re.findall(r"^kernel \S+_grid: (\d+) launches", file.read(), re.M)))
    assert launches == grids, (launches, grids)
    return grids, refused


def expect(found, grids, refused=False):
    assert found[0] is not None, found[1]
    assert (found[0] > 0, found[1] > 0) == (grids, refused), found


def several_shapes(said):
    for blocks, threads, rows in ((1, 32, 1), (3, 128, 8), (16, 32, 3)):
        compile_library("cut", plans(said, loop_plan="grid", loop_blocks=blocks, block_threads=threads, loop_rows=rows))
        for batch in ("1", "7"):
            expect(run("cut", "--batch", batch, **ROOM), True)
    print("1, 3 and 16 blocks of 1 to 8 rows a thread, batches of 1 and 7: the same")


def seeds(count):
    for seed in range(count):
        weak = dict(ROOM, RNNC_PTX_WEAK="1", RNNC_PTX_SEED=str(seed))
        expect(run("grids", "--batch", str(2 + seed % 3), "--time", str(4 + seed % 2), **weak), True)
    print(f"weak memory, {count} seeds: the same")


def without_room(driver_old):
    expect(run("grids", RNNC_PTX_NO_COOPERATIVE="1"), False, True)
    expect(run("grids", driver=driver_old), False, True)
    expect(run("many", RNNC_PTX_SMS="1"), False, True)
    expect(run("many", RNNC_PTX_SMS="64"), True)
    print("no cooperative launch, an old driver, too few processors: each step is launched")


LARGE = """import std
layer large[time T](x: [T, 3]) -> [T, 70] {
  use l = lstm[3, 70]
  out scan l over x
}
export large.forward, large.vjp
"""


def asked_for():
    """Weights of more than 48 KB in one block: a launch asks for the room."""
    with open("large.rnn", "w") as file:
        file.write(LARGE)
    said = compile_library("large", "", source="large.rnn")
    compile_library("large", plans(said, loop_plan="grid", loop_blocks=1, block_threads=128), source="large.rnn")
    expect(run("large", "--batch", "3", "--time", "3"), True)
    found, said = run("large", "--batch", "1", "--time", "2", RNNC_PTX_FAIL="cuFuncSetAttribute=1")
    assert found is None and "large_forward_0_grid: invalid argument" in said, said
    print("shared memory that is asked for: the same")


WAIT = r"(ld\.acquire[^;]*;[^@]*)@%p\d+ bra[^;]*;"
BUGS = [
    ("the fence removed", r"\tfence\.acq_rel\.gpu;", "", 1),
    ("the acquire relaxed", r"ld\.acquire\.gpu", "ld.relaxed.gpu", 1),
    ("the wait removed", WAIT, r"\1", 0),
    ("the barrier of the block before it removed", BARRIER + r"(?=(?:(?!bar\.sync)[^}])*fence\.acq_rel)", "", 0),
    ("the barrier of the block behind it removed", r"(ld\.acquire(?:(?!bar\.sync)[^}])*)" + BARRIER, r"\1", 0),
    ("nobody arrives", r"\tatom\.[^;]*add[^,]*, (\[[^]]*\]), [^;]*;", "", 0),
]


def planted():
    """A bug in every kernel of the library, found by one of a few seeds."""
    run("grids", RNNC_PTX_SAVE="grids.ptx", **ROOM)
    with open("grids.ptx") as file:
        original = file.read()
    caught = 0
    for name, pattern, replacement, weak in BUGS:
        if name == "nobody arrives":
            # Its result is that nobody came before.
            text = re.sub(r"\tatom\.(\S*)add\.u64 \t?(%rd\d+), (\[[^]]*\]), [^;]*;", r"\tmov.b64 \2, 0;", original)
        else:
            text = re.sub(pattern, replacement, original)
        assert text != original, name
        with open("bug.ptx", "w") as file:
            file.write(text)
        for seed in range(4):
            found, what = run("grids", "--batch", "3", RNNC_PTX_INSTEAD="bug.ptx", RNNC_PTX_WEAK=str(weak), RNNC_PTX_SEED=str(seed),
                              RNNC_PTX_LIMIT="200000", **ROOM)
            if found is None:
                break
        caught += found is None
        last = what.strip().splitlines()[-1] if found is None else ""
        print(f"{name}: {'caught' if found is None else 'MISSED'}, seed {seed}: {last[:100]}", flush=True)
    print(f"{caught} of {len(BUGS)} bugs caught")
    assert caught == len(BUGS)


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    said = compile_library("blocks", "")
    grid = plans(said, loop_plan="grid", loop_blocks=4, block_threads=64)
    names = {name.split(".")[0] for name, _ in said}
    assert names == set(LAYERS), names
    again = compile_library("grids", grid, level="-O1")
    assert all("take all examples through all steps, with a part of the units each" in what for _, what in again), again
    expect(run("grids", **ROOM), True)
    print(f"{len(again)} time loops of 4 blocks: the numbers of a processor")
    seeds(count)
    several_shapes(said)
    compile_library("f64", grid, "--precision=f64")
    expect(run("f64", **ROOM), True)
    print("f64: the same")
    compile_library("many", plans(said, loop_plan="grid", loop_blocks=64, block_threads=64))
    asked_for()
    without_room(os.path.join(DRIVER, "..", "driver-old"))
    planted()


if __name__ == "__main__":
    main()
