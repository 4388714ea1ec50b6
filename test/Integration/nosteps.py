"""nosteps.py MODEL.rnn FOLDER: an example of length 0 adds nothing to loss and gradients."""
import math
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Driver"))
import npz  # noqa: E402

LENGTHS, STEPS = [4, 0, 2, 1], 4


def grad(library, folder, rows):
    draw = random.Random(3)
    data = {name: [[[draw.gauss(0, 1) for _ in range(3)] for _ in range(STEPS)] for _ in LENGTHS]
            for name in ("x", "y")}
    given = {name: [value[i] for i in rows] for name, value in data.items()}
    given["T"] = [LENGTHS[i] for i in rows]
    npz.write(f"{folder}/in.npz", given)
    subprocess.run(["rnnc", "run", library, "Pools.grad", "--in", f"{folder}/in.npz", "--seed", "1", "--out",
                    f"{folder}/out.npz"], check=True, stdout=subprocess.DEVNULL)
    return {name: values for name, (_, values) in npz.read_flat(f"{folder}/out.npz").items()
            if name == "loss" or name.startswith("grad.")}


def main(model, folder):
    for precision, tolerance in (("f32", 1e-5), ("f64", 1e-13)):
        library = f"{folder}/libpools{precision}.so"
        subprocess.run(["rnnc", model, "--precision", precision, "-o", library], check=True)
        mine = grad(library, folder, [0, 1, 2, 3])
        wanted = grad(library, folder, [0, 2, 3])
        for name, values in wanted.items():
            largest = max(1.0, *(abs(x) for x in values))
            for x, y in zip(mine[name], values):
                if not math.isfinite(y) or not abs(x - y) <= tolerance * largest:
                    sys.exit(f"{precision}: {name} is {x}, without the empty example {y}")
        print(f"{precision}: loss and {len(wanted) - 1} gradients are those without the empty example")


main(*sys.argv[1:])
