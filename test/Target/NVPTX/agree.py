"""What the PTX of a model computes, thread by thread, and what its library for
processors does with the same weights and arguments.

    agree.py MODEL.ptx LIBRARY.so BATCH...

The launches are made as the manifest beside the PTX says."""
import json
import os
import re
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from library import DTYPES, OK, Library, random_arguments

import ptx
from threads import Memory, Threads


READ = ("param", "prepared", "input", "state_in", "cot", "lengths")
TIME = 4  # the longest example, where there is a time axis


class Device:
    """A loaded module of PTX, and how its functions are called."""

    def __init__(self, path):
        with open(path) as file:
            self.module = ptx.Module(file.read())
        faults = ptx.lint(self.module)
        assert not faults, faults
        with open(os.path.splitext(path)[0] + ".json") as file:
            self.manifest = json.load(file)
        assert self.manifest["ptx"] == os.path.basename(path)
        self.functions = {f["symbol"]: f for f in self.manifest["launches"]}

    def call(self, symbol, sizes, given, memory=None):
        """The results of a function, by name. `given` has what it reads."""
        function, memory = self.functions[symbol], memory or Memory()
        assert set(function["dims"]) <= set(sizes), function["dims"]
        places, results = {}, {}
        for buffer in function["buffers"]:
            role, name = key = buffer["role"], buffer.get("name")
            size = evaluate(buffer["bytes"], sizes)
            if role in READ and name in given:
                value = np.asarray(given[name], DTYPES[buffer["dtype"]])
                assert value.nbytes == size, (symbol, key, value.shape, size)
                places[key] = memory.put(value)
            else:
                places[key] = memory.allocate(size)
                if role != "workspace":
                    results[name] = places[key], size, DTYPES[buffer["dtype"]]
        for launch in function["launches"]:
            self.launch(launch, sizes, places, memory)
        return {name: memory.get(place, (size // np.dtype(dtype).itemsize,), dtype)
                for name, (place, size, dtype) in results.items()}

    def launch(self, launch, sizes, places, memory):
        grid, block = ([evaluate(n, sizes) for n in launch[what]] for what in ("grid", "block"))
        assert grid[1:] == block[1:] == [1, 1]
        if not grid[0]:
            return  # no thread has anything to do, and a driver refuses it
        arguments = [evaluate(a["size"], sizes) if "size" in a
                     else places[a["role"], a.get("name")] + evaluate(a["offset"], sizes)
                     for a in launch["args"]]
        Threads(self.module.kernels[launch["kernel"]], memory, grid[0], block[0], arguments).run()


def evaluate(expression, sizes):
    assert re.fullmatch(r"[\w\s()+*/&%-]+", expression), expression
    return int(eval(expression.replace("/", "//"), {"__builtins__": {}}, dict(sizes)))


def main():
    device, library = Device(sys.argv[1]), Library(sys.argv[2])
    assert [m["name"] for m in device.manifest["modules"]] == [m["name"] for m in library.modules]
    bound = 2e-6 if library.real == np.float32 else 1e-13
    calls = numbers = 0
    worst = 0.0
    for about in library.modules:
        module = library.module(about["name"])
        weights = {p["name"]: module.data(p["name"]) for p in about["parameters"]}
        rng = np.random.default_rng(3)
        for values in weights.values():
            values[...] = rng.normal(size=values.shape)
        prepare = about["name"] + ".prepare"
        if prepare in device.functions:
            weights["prepared"] = device.call(prepare, {}, weights)["prepared"]
        for function in (f["name"] for f in about["functions"]):
            for batch in map(int, sys.argv[3:]):
                times = module.about_function(function)["times"]
                args = random_arguments(module, function, batch, [TIME] * len(times))
                status, expected = module.call(function, batch, [TIME] * len(times), seed=1, **args)
                assert status == OK, (function, module.error.words())
                read = weights | {key.replace("__", "."): value for key, value in args.items()}
                got = device.call(f"{about['name']}.{function}", dict.fromkeys(times, TIME) | {"batch": batch}, read)
                for name, value in expected.items():
                    here = got[name].reshape(value.shape)
                    assert here.dtype == value.dtype or value.dtype == np.uint8, (name, here.dtype, value.dtype)
                    difference = np.abs(here.astype(float) - value) / (1 + np.abs(value))
                    assert not difference.size or difference.max() <= bound, (function, name, batch, here, value)
                    worst = max(worst, difference.max(initial=0))
                    numbers += value.size
                calls += 1
    print(f"{calls} calls, {numbers} numbers agree within {bound}; largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
