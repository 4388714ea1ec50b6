"""weights_in_place.py WORK PROGRAM.rnn: gradients that read weights where they lie.

Against the same with packed weights, for the instruction sets of this machine
and both precisions: few rows and many, ragged ones, one thread and three.
"""
import pathlib
import random
import re
import subprocess
import sys

from agree import read, run, write

SHAPES = [(1, 1), (1, 7), (2, 50), (3, 4)]
work, source = pathlib.Path(sys.argv[1]), sys.argv[2]
draw = random.Random(0)


def call(library, data, threads):
    out = f"{work}/out.safetensors"
    run("run", str(library), "odd.vjp", "--seed", "3", "--in", str(data), "--threads", str(threads), "--out", out)
    return {name: values for name, (_, values) in read(out).items()}


def compiled(name, *options):
    library = work / f"lib{name}.so"
    run(source, "-O2", "-o", str(library), *options)
    return library


def schedules(options, rows, all_rows):
    """A schedule file: when weights are read where they lie."""
    said = subprocess.run(["rnnc", source, "--remarks", "-o", f"{work}/libsaid.so", *options], capture_output=True, text=True)
    names = sorted(set(re.findall(r"`(odd\.vjp/(?:phase|product)\d+)`", said.stderr)))
    path = work / f"rows{rows}.sch"
    path.write_text("".join(
        f"{name}: in_place_rows = {rows}{f', block_rows = {all_rows}' if 'product' in name else ''}\n" for name in names))
    return f"--schedule={path}"


def data_of(batch, steps, kind):
    path = work / "in.safetensors"
    lengths = [steps] + [draw.randint(0, steps) for _ in range(batch - 1)]
    numbers = lambda units: (kind, [batch, steps, units], [draw.gauss(0, 1) for _ in range(batch * steps * units)])
    write(path, {"x": numbers(11), "T": ("I32", [batch], lengths), "cot.out": numbers(5)})
    return path


for precision, limit in [("f32", 1e-5), ("f64", 1e-12)]:
    options = [f"--precision={precision}"]
    packed = compiled("packed", schedules(options, 1, 1), *options)
    inplace = schedules(options, 3, 90)
    for march in ["x86-64-v2", "native"]:
        ours = compiled("ours", f"-march={march}", inplace, *options)
        for shape in SHAPES:
            data = data_of(*shape, precision.upper())
            wanted, one, three = call(packed, data, 1), call(ours, data, 1), call(ours, data, 3)
            where = f"{precision} {march} {shape}"
            for name, values in wanted.items():
                largest = max([1e-30] + [abs(v) for v in values])
                if not all(abs(x - y) <= limit * largest for x, y in zip(values, one[name])):
                    sys.exit(f"{where}: {name} is not that with packed weights")
                if one[name] != three[name]:
                    sys.exit(f"{where}: {name} depends on the number of threads")
    print(f"{precision}: {len(SHAPES)} shapes, {len(wanted)} results agree")
