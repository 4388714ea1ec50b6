"""prepared_alone.py LIBRARY...: prepared weights alone. Functions that change no parameter
and have no gradients give the same bits when the parameters are gone; the others
say that they need them. Then the bytes of a deployed LSTM."""
import sys

import numpy as np

from library import *

alone, refused = 0, 0
for path in sys.argv[1:]:
    library = Library(path)
    for about in library.modules:
        for function in [f["name"] for f in about["functions"]]:
            times = [6] * len(library.module(about["name"]).about_function(function)["times"])
            results = []
            for drop in (False, True):
                module = library.module(about["name"])
                assert module.prepare() == OK
                args = random_arguments(module, function, 5, times)
                if function == "train_step":
                    module.start("optimizer")
                if drop:
                    module.params[:] = 0xFF
                    module.params = None
                if function in ("step", "sample") and about["kind"] == "model":
                    module.start("stream", 5)
                out = []
                for _ in range(2):
                    status, values = module.call(function, 5, times, seed=2, **args)
                    out.append((status, [v.tobytes() for v in values.values()]))
                results.append(out)
            same = results[0] == results[1]
            if function in ("train_step", "vjp", "grad") and not same:
                assert [s for s, _ in results[1]] == [ARGUMENT, ARGUMENT], (about["name"], function)
                assert module.error.name == b"params", module.error.name
                refused += 1
            else:
                assert same and results[0][0][0] == OK, (about["name"], function, results[1][0][0])
                alone += 1
print(alone, "functions without parameters,", refused, "need them")

lstm = Library(sys.argv[1]).module("lstm_64_64")
weights = sum(lstm.data(p["name"]).nbytes for p in lstm.about["parameters"])
parameters = lstm.params.size
assert lstm.prepare() == OK
step = lstm.functions().index("step")
work = lstm.table.prepared_workspace_size(lstm.context.ctypes.data, lstm.index, step, 1, None)
full = lstm.table.workspace_size(lstm.context.ctypes.data, lstm.index, step, 1, None)
print(f"weights {weights}, parameters {parameters}, prepared {lstm.prepared.size}, "
      f"context {lstm.context.size}, workspace {work} (packing inside: {full})")
# Nothing but the weights: no room to draw them, none to pack them.
assert parameters <= weights + 256
assert lstm.prepared.size + work + lstm.context.size < 1.1 * weights + 8192
assert full >= work + lstm.prepared.size / 2
