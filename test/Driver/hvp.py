"""hvp.py FOLDER: Hessian times vector against differences of the gradient, u·Hv against v·Hu, and
what NULL vectors and a frozen parameter give; f64."""
import json
import pathlib
import random
import subprocess
import sys

import npz

folder = pathlib.Path(sys.argv[1])
MODELS = {
    "classifier": ("""import std
model M {
  time T
  input x : [T, 3]
  output y : in 4
  use r = lstm[3, 5]
  use head = dense[5, 4]
  y ~ categorical(head((fold r over x).h))
}
""", lambda draw: {"x": draw((2, 4, 3)), "y": [1, 3], "T": [4, 2]}, []),
    "both": ("""import std
model M {
  time T
  input x : [T, 2]
  output y : [T]
  use f = gru[2, 3], b = rnn_tanh[2, 3]
  param w : [6] ~ normal(0, 0.3)
  param fixed : [6] = 0.5 frozen
  h = (scan f over dropout(x, 0.2)) ++ (scan b over x backward)
  y ~ normal(for t in T: sum i in 6: h[t, i] * w[i] * fixed[i], 1)
  loss sum(w * w * w) / 3
}
""", lambda draw: {"x": draw((3, 3, 2)), "y": draw((3, 3)), "T": [3, 0, 1]}, ["--seed", "7"]),
}


def run(function, model, weights, inputs, options):
    npz.write(folder / "w.npz", weights)
    npz.write(folder / "in.npz", inputs)
    subprocess.run(["rnnc", "run", model, f"M.{function}", "--weights", folder / "w.npz", "--in",
                    folder / "in.npz", "--out", folder / "out.npz", *options], check=True,
                   stdout=subprocess.DEVNULL)
    return {name: numbers for name, (shape, numbers) in npz.read_flat(folder / "out.npz").items()}


def mapped(f, *lists):
    if isinstance(lists[0], list):
        return [mapped(f, *parts) for parts in zip(*lists)]
    return f(*lists)


def dot(weights, found, prefix):
    return sum(a * b for name in weights for a, b in
               zip(npz.flatten(weights[name]), found[f"{prefix}.{name}"]))


for name, (text, make, options) in MODELS.items():
    rng = random.Random(5)

    def draw(shape, scale=0.5):
        return [draw(shape[1:], scale) for _ in range(shape[0])] if shape else rng.uniform(-scale, scale)

    source = folder / f"{name}.rnn"
    source.write_text(text + "train M {\n  precision f64\n" + "  checkpoint every 2\n" * (name == "both") + "}\nexport M.hvp, M.grad\n")
    library = folder / f"lib{name}.so"
    subprocess.run(["rnnc", source, "-O1", "-march=x86-64-v2", "-o", library], check=True)
    shown = json.loads(subprocess.run(["rnnc", "inspect", library, "--json"], check=True, capture_output=True).stdout)
    weights = {one["name"]: draw(one["shape"], 1) for one in shown["parameters"]}
    trained = {k: v for k, v in weights.items() if k != "fixed"}
    u, v = ({k: mapped(lambda _: rng.uniform(-1, 1), w) for k, w in trained.items()} for _ in range(2))
    inputs = make(draw)

    def product(vector):
        return run("hvp", library, weights, inputs | {f"vec.{k}": x for k, x in vector.items()}, options)

    hv, hu = product(v), product(u)
    plain = run("grad", library, weights, inputs, options)
    assert hv["loss"] == plain["loss"]
    assert "hvp.fixed" not in hv
    step = 1e-5
    moved = [run("grad", library, {k: mapped(lambda w, d: w + sign * step * d, w, v[k]) if k in v else w
                                   for k, w in weights.items()}, inputs, options) for sign in (1, -1)]
    largest = 0
    for k in trained:
        assert max(abs(a - b) for a, b in zip(hv[f"grad.{k}"], plain[f"grad.{k}"])) < 1e-14, k
        for got, up, down in zip(hv[f"hvp.{k}"], moved[0][f"grad.{k}"], moved[1][f"grad.{k}"]):
            largest = max(largest, abs(got))
            # The error of the difference is about step^2, and rounding 1e-16 / step.
            assert abs(got - (up - down) / (2 * step)) < 1e-8, (name, k, got, (up - down) / (2 * step))
    assert largest > 1e-2, largest
    assert abs(dot(u, hv, "hvp") - dot(v, hu, "hvp")) < 1e-12, name
    nothing = product({})
    assert all(x == 0 for k in trained for x in nothing[f"hvp.{k}"]), name
print("second derivatives agree")
