"""checkpoint.py FOLDER: gradients with every policy of `checkpoint` against those that keep all, in f64, on ragged batches
of many lengths; updates of `train_step`; workspaces."""
import json
import pathlib
import random
import subprocess
import sys

import npz

folder = pathlib.Path(sys.argv[1])
POLICIES = {"None": "none", "Sqrt": "sqrt", "One": "every 1", "Three": "every 3", "Seven": "every 7",
            "Long": "every 1000", "Memory": "memory 120kB"}
# Layers one upon the other with dropout; both directions, twice, and attention; a state at the end, cut by `bptt`.
MODELS = {
    "Stack": ("""  time T
  input x : [T, 3]
  output y : [T] in 4
  use net = lstm[3, 5] >> drop[_, 0.3] >> gru[5, 6], head = dense[6, 4]
  h = scan net over x
  y ~ categorical(for t in T: head(h[t]))
""", "", (0, 1, 2, 3, 5, 7, 16, 50)),
    "Both": ("""  time T
  input w : [T] in 9
  output y : [T]
  param Emb : [9, 3] ~ normal(0, 1)
  param v : [6] ~ normal(0, 0.3)
  use f = gru[3, 3], b = rnn_tanh[3, 3], g = lstm[6, 3], d = gru[6, 3]
  e = for t in T: Emb[w[t]]
  h = (scan f over e) ++ (scan b over e backward)
  k = (scan g over h) ++ (scan d over h backward)
  a = for t in T: softmax s in T: sum i in 6: k[t, i] * h[s, i]
  y ~ normal(for t in T: (sum s in T: a[t, s] * sum i in 6: h[s, i]) + sum i in 6: k[t, i] * v[i], 1)
""", "", (0, 1, 2, 5, 16)),
    "Last": ("""  time T
  input x : [T, 2]
  output y : real
  param v : [4] ~ normal(0, 0.3)
  use r = lstm[2, 4]
  y ~ normal(v @ (fold r over x).h + log(1 + sum t in T: x[t, 0] * x[t, 0]), 1)
""", "  bptt 4\n", (1, 3, 10)),
}


def run(function, weights, inputs, *options):
    npz.write(folder / "w.npz", weights)
    npz.write(folder / "in.npz", inputs)
    subprocess.run(["rnnc", "run", folder / "libm.so", function, "--weights", folder / "w.npz", "--in",
                    folder / "in.npz", "--out", folder / "out.npz", *options], check=True, stdout=subprocess.DEVNULL)
    return {name: numbers for name, (shape, numbers) in npz.read_flat(folder / "out.npz").items()}


text = "import std\n"
for name, (body, settings, _) in MODELS.items():
    for policy, words in POLICIES.items():
        text += f"model {name}{policy} {{\n{body}}}\ntrain {name}{policy} {{\n{settings}  clip norm 1\n  checkpoint {words}\n  " \
                f"precision f64\n}}\nexport {name}{policy}.grad\n"
(folder / "m.rnn").write_text(text)
subprocess.run(["rnnc", folder / "m.rnn", "-O1", "-march=x86-64-v2", "-o", folder / "libm.so"], check=True)
shown = json.loads(subprocess.run(["rnnc", "inspect", folder / "libm.so", "--json", "--batch", "3", "--steps", "400"],
                                  check=True, capture_output=True).stdout)
rng = random.Random(3)


def draw(*shape):
    return [draw(*shape[1:]) for _ in range(shape[0])] if shape else rng.uniform(-1, 1)


for name, (_, _, lengths) in MODELS.items():
    weights = {one["name"]: draw(*one["shape"]) for one in shown["parameters"] if one["module"] == name + "None"}
    for steps in lengths:
        ends = [steps, steps // 2, rng.randint(0, steps)]
        inputs = {"T": ends}
        if name == "Both":
            inputs |= {"w": [[rng.randrange(9) for _ in range(steps)] for _ in ends], "y": draw(3, steps)}
        else:
            labels = [[rng.randrange(4) for _ in range(steps)] for _ in ends]
            inputs |= {"x": draw(3, steps, 3 if name == "Stack" else 2), "y": labels if name == "Stack" else draw(3)}
        if steps == 0:
            inputs |= {"w": ((3, 0), "i"), "y": ((3, 0), "d")} if name == "Both" else \
                {"x": ((3, 0, 3), "d"), "y": ((3, 0), "i")}
        options = ["--seed", "5"] * (name == "Stack")
        expected = run(f"{name}None.grad", weights, inputs, *options)
        for policy in list(POLICIES)[1:]:
            found = run(f"{name}{policy}.grad", weights, inputs, *options)
            assert found.keys() == expected.keys()
            for key in expected:
                worst = max((abs(a - b) for a, b in zip(found[key], expected[key])), default=0)
                assert worst < 1e-13, (name, policy, steps, key, worst)
            assert steps == 0 or any(found[f"grad.{key}"] != (0,) * len(found[f"grad.{key}"]) for key in weights)
print("gradients agree")

sizes = {one["module"]: one["workspace_bytes"]["grad"] for one in shown["sizes"]}
print(sizes, file=sys.stderr)
for name in MODELS:
    assert 8 * sizes[name + "Sqrt"] < sizes[name + "None"], name
    # What is kept for all steps of two directions is more than the limit: then it is as little as can be.
    assert sizes[name + "Memory"] <= (120_000 if name != "Both" else 1.01 * sizes["BothThree"]), name
print("workspaces are smaller")
