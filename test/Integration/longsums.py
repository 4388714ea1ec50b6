"""longsums.py MODEL.rnn FOLDER [--only NAME | --without NAME]: sums of a million terms in f32 agree with f64 to 1e-6.

Terms are equal (what is lost then is always lost on the same side) or random.
"""
import array
import os
import random
import struct
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Driver"))
import npz  # noqa: E402

N = 1 << 20
PERIOD = 1 << 12  # random numbers before they come again
TOLERANCE = 1e-6


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def write(path, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, (shape, numbers) in arrays.items():
            kind = {"i": "<i4", "f": "<f4"}[numbers.typecode]
            header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
            header += " " * (63 - (len(header) + 10) % 64) + "\n"
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                             header.encode() + numbers.tobytes())


def inputs(model, equal):
    draw = random.Random(7)

    def numbers(count, low, high):
        if equal:
            return array.array("f", [f32((low + high) / 2 + 0.1)]) * count
        return array.array("f", [draw.uniform(low, high) for _ in range(PERIOD)]) * (count // PERIOD)

    rows = (N,) if model == "Examples" else (1, N)
    data = {"x": ((*rows, 3), numbers(3 * N, 0, 1))}
    if model == "Pools":
        data["y"] = ((1, 3), array.array("f", [20.0, 21.0, 22.0]))
    else:
        data["y"] = ((*rows, 3), numbers(3 * N, 3, 4))
        words = [0] if equal else [draw.randrange(4) // 3 for _ in range(PERIOD)]
        data["word"] = (rows, array.array("i", words) * (N // len(words)))
    return data


def main(source, folder, choice="", chosen=""):
    os.makedirs(folder, exist_ok=True)
    libraries = {}
    for precision in ("f32", "f64"):
        libraries[precision] = f"{folder}/liblong{precision}.so"
        subprocess.run(["rnnc", source, "--precision", precision, "-o", libraries[precision]], check=True)
    # Weights that both precisions hold exactly.
    exact = [[0.5, 0.25, -0.125], [0.75, 0.5, 0.25], [-0.25, 0.5, 0.375]]
    dense = {"W": exact, "b": [0.5] * 3, "Emb": [[0.25] * 3] * 4}
    npz.write(f"{folder}/wExamples.npz", dense)
    npz.write(f"{folder}/wSteps.npz", {**dense, "k": 0.5, "d.W": exact, "d.b": [0.125] * 3, "d.u": [0.25] * 3})
    npz.write(f"{folder}/wPools.npz", {"s": [0.5, 0.75, 0.25]})
    worst = 0
    for model in ("Steps", "Pools", "Examples"):
        for equal in (True, False):
            write(f"{folder}/in.npz", inputs(model, equal))
            got = {}
            for precision, library in libraries.items():
                out = f"{folder}/out{precision}.npz"
                subprocess.run(["rnnc", "run", library, f"{model}.grad", "--in", f"{folder}/in.npz", "--weights",
                                f"{folder}/w{model}.npz", "--out", out], check=True, stdout=subprocess.DEVNULL)
                got[precision] = {k: v for k, (_, v) in npz.read_flat(out).items()
                                  if k == "loss" or k.startswith("grad.")}
            for name, wanted in got["f64"].items():
                if (choice == "--only" and name != chosen) or (choice == "--without" and name == chosen):
                    continue
                for x, y in zip(got["f32"][name], wanted):
                    if y == 0 and x == 0:
                        continue
                    error = abs(x - y) / max(abs(v) for v in wanted)
                    worst = max(worst, error)
                    if not error <= TOLERANCE:
                        print(f"{model}, {'equal' if equal else 'random'} terms: {name} is {x}, in f64 {y}: "
                              f"relative error {error:.1e}")
    print(f"worst relative error {worst:.1e}", file=sys.stderr)
    sys.exit(not worst <= TOLERANCE)


main(*sys.argv[1:])
