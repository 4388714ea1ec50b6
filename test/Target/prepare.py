"""prepare.py A.so B.so: B packs weights inside every call, A in `prepare`."""
import sys

import numpy as np

from library import *

a, b = Library(sys.argv[1]), Library(sys.argv[2])
count = 0
for about in a.modules:
    for function in [f["name"] for f in about["functions"]]:
        results = []
        for library, prepared in ((a, True), (a, False), (b, True), (b, False)):
            module = library.module(about["name"])
            times = [6] * len(module.about_function(function)["times"])
            args = random_arguments(module, function, 5, times)
            if prepared:
                assert module.prepare() == OK
            if function == "train_step":
                module.start("optimizer")
            if function in ("step", "sample") and about["kind"] == "model":
                module.start("stream", 5)
            out = []
            for _ in range(3):
                status, values = module.call(function, 5, times, seed=2, **args)
                assert status == OK, module.error.words()
                out += [v.tobytes() for v in values.values()]
            results.append((out, [module.data(p["name"]).tobytes() for p in about["parameters"]]))
        assert all(r == results[0] for r in results), (about["name"], function)
        count += 1
print(count, "functions agree")
