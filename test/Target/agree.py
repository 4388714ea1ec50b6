"""What must not change a result: the number of threads, the caller's task
function, weights prepared or not, other calls at the same time; bit by bit.
And the variants of the code agree within rounding."""
import sys
import threading

import numpy as np

from library import *

library = Library(sys.argv[1])
BATCH, TIME = 5, 6


def every():
    for about in library.modules:
        for function in [f["name"] for f in about["functions"]]:
            yield about["name"], function


def run(name, function, context, prepared=False, seed=9):
    """All that a call leaves behind, as bytes, and its results."""
    module = library.module(name, context)
    times = len(module.about_function(function)["times"])
    args = random_arguments(module, function, BATCH, [TIME] * times)
    if prepared:
        assert module.prepare() == OK
    if function == "train_step":
        module.start("optimizer")
    if function in ("step", "sample") and module.about["kind"] == "model":
        module.start("stream", BATCH)
    if function in ("loss", "grad", "train_step") and "bptt" in module.about.get("train", {}):
        module.start("carry", BATCH)
    for _ in range(2):  # what is left behind is used
        status, results = module.call(function, BATCH, [TIME] * times, seed=seed, **args)
        assert status == OK, (name, function, module.error.words())
    parameters = [module.data(p["name"]) for p in module.about["parameters"]]
    left = [m for m in (module.optimizer, module.carry, module.stream) if m is not None]
    return b"".join(a.tobytes() for a in list(results.values()) + parameters + left), results


def in_reverse(user, count, body, data):
    for i in reversed(range(count)):
        body(data, i)


def on_threads(user, count, body, data):
    workers = [threading.Thread(target=body, args=(data, i)) for i in range(count)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()


tasks = [TASKS(in_reverse), TASKS(on_threads)]
contexts = [library.context(threads=n) for n in (2, 3, 7)]
contexts += [library.context(threads=4, tasks=t) for t in tasks]
plain = library.context()
count = 0
for name, function in every():
    expected, _ = run(name, function, plain)
    for context in contexts:
        assert run(name, function, context)[0] == expected, (name, function)
    assert run(name, function, plain, prepared=True)[0] == expected, (name, function)
    count += 1
print(count, "functions, same bytes on", len(contexts) + 1, "contexts, prepared or not")

# Other seeds draw other numbers, where there are any.
assert run("LM", "sample", plain, seed=1)[0] != run("LM", "sample", plain, seed=2)[0]
assert run("LM", "grad", plain, seed=1)[0] != run("LM", "grad", plain, seed=2)[0]
assert run("LM", "loss", plain, seed=1)[0] == run("LM", "loss", plain, seed=2)[0]

# Two contexts, and one shared, on two threads at once.
expected = {f: run(*f, plain)[0] for f in every()}
shared, wrong = library.context(threads=2), []


def worker(context):
    for f in every():
        for _ in range(5):
            if run(*f, context)[0] != expected[f]:
                wrong.append(f)


workers = [threading.Thread(target=worker, args=(c,))
           for c in (library.context(), library.context(2), shared, shared)]
for w in workers:
    w.start()
for w in workers:
    w.join()
assert not wrong, wrong
print("reentrant")

variants = {v: library.context(variant=v) for v in ("v2", "v3", "v4", "native")}
have = {v: c for v, c in variants.items() if not isinstance(c, int)}
best = library.table.context_variant(plain.ctypes.data).decode()
assert library.table.context_variant(have["native"].ctypes.data).decode() == best
for v in variants.keys() - have.keys():
    assert variants[v] == UNSUPPORTED, v
assert library.context(variant="v9") == UNSUPPORTED
tolerance = 1e-5 if library.real == np.float32 else 1e-12
for name, function in every():
    if function == "sample":
        continue
    _, expected = run(name, function, plain)
    for v, context in have.items():
        for prepared in (False, True):
            _, results = run(name, function, context, prepared)
            for key, value in results.items():
                scale = max(1, np.abs(expected[key]).max(initial=0))
                worst = np.abs(value - expected[key]).max(initial=0)
                assert worst <= tolerance * scale, (name, function, v, key, worst)
print("variants agree:", *sorted(have), "best is", best)

# What one variant packed is nothing for another.
codes = [c for v, c in have.items() if v != "native"]
if len(codes) > 1:
    module = library.module("lstm_3_5", codes[0])
    assert module.prepare() == OK
    module.context = codes[-1]
    args = random_arguments(module, "step", 2, [])
    assert module.call("step", 2, **args)[0] == STATE and "other code" in module.error.words()
for context in contexts + codes + [plain, shared]:
    library.table.context_finish(context.ctypes.data)
