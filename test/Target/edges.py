"""Batch 0 and length 0 are legal in every function: losses and gradients of
nothing are 0, states stay what they were, nothing is written elsewhere."""
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])


def check(about, function, batch, time, prepared):
    module = library.module(about["name"])
    if prepared:
        assert module.prepare() == OK
    if function == "train_step":
        module.start("optimizer")
    if function in ("step", "sample") and about["kind"] == "model":
        module.start("stream", batch)
    before = module.params.copy()
    padded = [time] * len(module.about_function(function)["times"])
    args = random_arguments(module, function, batch, padded)
    for arg in module.about_function(function)["args"]:
        if arg["role"] == "lengths":  # also where there is room for steps
            args[arg["name"]] = np.zeros(batch)
    status, results = module.call(function, batch, padded, seed=1, **args)
    where = (about["name"], function, batch, time, module.error.words())
    assert status == OK, (where, status)
    states = [s["name"] for s in about["states"]]
    # What is predicted once a row is observed without a step, too.
    observed = batch and about["kind"] == "model" and any("T" not in o["axes"] for o in about["outputs"])
    for name, value in results.items():
        assert np.isfinite(value).all(), (where, name, value)
        state = name.removeprefix("grad.").removeprefix("state.")
        if batch and function in ("forward", "vjp") and state in states:
            # Nothing happened: what went in comes out, and its gradient back.
            key = ("cot.state." if name.startswith("grad.") else "") + state
            assert (value == args[key.replace(".", "__")].astype(value.dtype)).all(), (where, name)
        elif not batch or padded and function != "sample" and not observed:
            assert (value == 0).all(), (where, name, value)
    if function == "train_step" and not observed:
        assert module.counters().empty == 1 and module.counters().updates == 0, where
        assert (before == module.params).all(), where


count = 0
for about in library.modules:
    for function in [f["name"] for f in about["functions"]]:
        for batch, time in [(0, 0), (0, 5), (3, 0), (3, 5)]:
            for prepared in (False, True):
                check(about, function, batch, time, prepared)
                count += 1
print(count, "calls")
