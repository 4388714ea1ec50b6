"""state_grad.py FOLDER: gradients of states against differences of the loss: the models add an
input to each state, so that the loss can be asked what it depends on; f64."""
import json
import pathlib
import random
import subprocess
import sys

import npz

folder = pathlib.Path(sys.argv[1])
CELL = """
cell probed(x: [2], ph: [3], pc: [3]) -> [3] {
  param W, V, U : [3, 2] ~ normal(0, 1)
  param R, S : [3, 3] ~ normal(0, 0.7)
  state h : [3] = 0.1
  state c : [3] = 0
  f = sigmoid(W @ x + R @ h)
  c' = f * c + tanh(V @ x + S @ h) + pc
  h' = tanh(c') * sigmoid(U @ x) + ph
  out h'
}
"""
HEAD = CELL + """
model M {
  time T
  input x : [T, 2], ph : [T, 3], pc : [T, 3]
"""
MODELS = {
    # The last step's loss, whether it is the only one or one of many.
    "one": HEAD + "  output y : [3]\n  use net = probed\n"
           "  hs = scan net over (x, ph, pc)\n  y ~ normal(last(hs), 1)\n}\n",
    "each": HEAD + "  output y : [T, 3]\n  use net = probed\n"
            "  hs = scan net over (x, ph, pc)\n  y ~ normal(hs, 1)\n}\n",
    "back": HEAD + "  output y : [T, 3]\n  use net = probed\n"
            "  hs = scan net over (x, ph, pc) backward\n  y ~ normal(hs, 1)\n}\n",
}


def run(function, library, weights, inputs):
    npz.write(folder / "w.npz", weights)
    npz.write(folder / "in.npz", inputs)
    subprocess.run(["rnnc", "run", library, f"M.{function}", "--weights", folder / "w.npz", "--in",
                    folder / "in.npz", "--out", folder / "out.npz"], check=True,
                   stdout=subprocess.DEVNULL)
    return {name: numbers for name, (shape, numbers) in npz.read_flat(folder / "out.npz").items()}


def draw(rng, shape):
    return [draw(rng, shape[1:]) for _ in range(shape[0])] if shape else rng.uniform(-1, 1)


rng = random.Random(3)
LENGTHS, STEPS = [4, 2], 4
x = draw(rng, (2, STEPS, 2))
last = draw(rng, (2, 3))
every = draw(rng, (2, STEPS, 3))
for row, length in enumerate(LENGTHS):
    every[row][length - 1] = last[row]
zeros = [[[0.0] * 3 for _ in range(STEPS)] for _ in range(2)]
weights, found, libraries = None, {}, {}
for name, text in MODELS.items():
    source = folder / f"{name}.rnn"
    source.write_text(text + "train M {\n  precision f64\n}\nexport M.state_grad, M.loss\n")
    library = libraries[name] = folder / f"lib{name}.so"
    subprocess.run(["rnnc", source, "-O1", "-march=x86-64-v2", "-o", library], check=True)
    if weights is None:
        shown = json.loads(subprocess.run(["rnnc", "inspect", library, "--json"], check=True,
                                          capture_output=True).stdout)
        weights = {one["name"]: draw(rng, one["shape"]) for one in shown["parameters"]}
    inputs = {"x": x, "ph": zeros, "pc": zeros, "T": LENGTHS, "y": last if name == "one" else every}
    found[name] = run("state_grad", library, weights, inputs)

# The loss of a step among many is that of the step alone.
for key in ("grad.state.net.h", "grad.state.net.c"):
    for a, b in zip(found["one"][key], found["each"][key]):
        assert abs(a - b) < 1e-13, (key, a, b)
assert set(found["back"]) == {"grad.state.net.h.backward", "grad.state.net.c.backward"}

# The sum of logarithms is a mean over 3 numbers in `loss`, a sum in the gradient.
step, largest = 1e-5, 0
for key, name in (("ph", "net.h"), ("pc", "net.c")):
    for row, length in enumerate(LENGTHS):
        for t in range(STEPS):
            for i in [(t + row) % 3]:
                sides = []
                for sign in (1, -1):
                    moved = json.loads(json.dumps(zeros))
                    moved[row][t][i] = sign * step
                    inputs = {"x": x, "ph": zeros, "pc": zeros, "T": LENGTHS, "y": last} | {key: moved}
                    sides.append(run("loss", libraries["one"], weights, inputs)["loss"][0])
                wanted = 3 * (sides[0] - sides[1]) / (2 * step)
                got = found["one"]["grad.state." + name][(row * STEPS + t) * 3 + i]
                largest = max(largest, abs(got))
                assert abs(got - wanted) < 1e-8, (name, row, t, i, got, wanted)
                assert t < length or got == 0, "past the end"
assert largest > 1e-2, largest

# What runs backward is asked about the first step: nothing of it is cut off by
# lengths, and the state that it ends with is nearest.
back = found["back"]["grad.state.net.h.backward"]
assert max(map(abs, back[:3])) > 1e-3 and back[(STEPS + 3) * 3:] == (0.0,) * 3, back
print("gradients of states agree")
