"""Gradients of exported functions against central differences of the very same
functions, in f64: cells whose first states are given or not, the first state
that is learned, dropout with the same mask."""
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])
assert library.real == np.float64


def slopes(value, array, entries):
    """Central differences of `value()` in entries of `array`."""
    flat, out = array.reshape(-1), []
    for i in entries:
        kept, h = flat[i], 1e-6
        flat[i] = kept + h
        up = value()
        flat[i] = kept - h
        down = value()
        flat[i] = kept
        out.append((up - down) / (2 * h))
    return np.array(out)


def compare(value, array, gradient, what):
    entries = np.random.default_rng(0).permutation(array.size)[:40]
    found = slopes(value, array, entries)
    told = gradient.reshape(-1)[entries]
    bound = 1e-7 * max(1, np.abs(gradient).max(initial=0))
    assert np.abs(found - told).max(initial=0) <= bound, (what, found, told)


def cell(name, give, T, seed=None):
    module = library.module(name)
    states = [s["name"] for s in module.about["states"]]
    args = random_arguments(module, "vjp", 3, [5], seed=3)
    args["T"] = T
    inputs = {k: np.asarray(v, float) for k, v in args.items() if not k.startswith("cot")}
    inputs["T"] = T
    if not give:
        for s in states:
            inputs.pop(s.replace(".", "__"))
    cot = {k: v for k, v in args.items() if k.startswith("cot")}

    def value():
        status, out = module.call("vjp" if seed else "forward", 3, [5], seed=seed, **inputs)
        assert status == OK
        return sum((out[k[5:].replace("__", ".")] * v).sum() for k, v in cot.items())

    status, out = module.call("vjp", 3, [5], seed=seed, **inputs, **cot)
    assert status == OK
    compare(value, inputs["x"], out["grad.x"], (name, "x"))
    for s in states:
        if give:
            compare(value, inputs[s.replace(".", "__")], out["grad." + s], (name, s))
    for p in module.about["parameters"]:
        compare(value, module.data(p["name"]), out["grad." + p["name"]], (name, p["name"]))
    return module, inputs, out


for name in ("lstm_3_5", "gru_3_5", "learned_3_5", "stack_3_5"):
    for give in (False, True):
        for T in ([5, 5, 5], [5, 0, 2]):
            cell(name, give, np.array(T))
            if name == "stack_3_5":
                cell(name, give, np.array(T), seed=7)
print("cells ok")

# The learned first state is used where none is given, and gets a gradient then
# only; giving its value is the same as giving none.
module, inputs, out = cell("learned_3_5", False, np.array([5, 0, 2]))
assert np.abs(out["grad.h0"]).min() > 1e-3
first = np.tile(module.data("h0"), (3, 1))
status, given = module.call("forward", 3, [5], **inputs, h=first)
status, own = module.call("forward", 3, [5], **inputs)
assert (given["out"] == own["out"]).all() and (given["state.h"] == own["state.h"]).all()
assert (own["state.h"][1] == module.data("h0")).all()  # no step
assert (out["grad.h"] == 0).all()
_, _, out = cell("learned_3_5", True, np.array([5, 0, 2]))
assert (out["grad.h0"] == 0).all()
print("learned first state ok")

# A model's gradient with dropout, at a fixed mask.
for name, function in (("LM", "grad"), ("Tagger", "grad")):
    module = library.module(name)
    args = random_arguments(module, function, 3, [5], seed=4)
    args.pop("T")

    def loss():
        status, out = module.call(function, 3, [5], seed=11, **args)
        assert status == OK
        return float(out["loss"])

    _, out = module.call(function, 3, [5], seed=11, **args)
    for p in module.about["parameters"]:
        compare(loss, module.data(p["name"]), out["grad." + p["name"]], (name, p["name"]))
print("models ok")

# The mask: kept with probability 3/4 and scaled, the same in the gradient, new
# for every seed; nothing is drawn without one.
noisy = library.module("noisy_32")
ones = np.ones((500, 32))
status, out = noisy.call("vjp", 500, seed=3, x=ones, cot__out=ones)
assert status == OK and set(np.unique(out["out"])) == {0, 4 / 3}
kept = (out["out"] > 0).mean()
assert abs(kept - 0.75) < 4 * np.sqrt(0.75 * 0.25 / ones.size), kept
assert (out["out"] == out["grad.x"]).all()
# No row, and no column, has a mask of its neighbour.
mask = out["out"] > 0
for a, b in ((mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])):
    assert abs((a == b).mean() - 0.625) < 4 * np.sqrt(0.625 * 0.375 / a.size)
status, other = noisy.call("vjp", 500, seed=4, x=ones, cot__out=ones)
assert abs(((other["out"] > 0) == mask).mean() - 0.625) < 0.02
status, none = noisy.call("vjp", 500, x=ones, cot__out=ones)
assert (none["out"] == 1).all() and (none["grad.x"] == 1).all()
status, out = noisy.call("forward", 500, x=ones)
assert (out["out"] == 1).all()
print("dropout ok")
