"""What the PTX of a model computes in the interpreter, through the driver's entries,
and what its library for processors does with the same weights and arguments.

    agree.py DRIVER_FOLDER MODEL.ptx LIBRARY.so BATCH...

The launches are made as the manifest beside the PTX says."""
import json
import os
import re
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, ".."), os.path.join(here, "..", "..", "gpu")]
import cuda  # noqa: E402
import ptx  # noqa: E402
from library import DTYPES, OK, Library, random_arguments  # noqa: E402


READ = ("param", "prepared", "input", "state_in", "cot", "lengths")
TIME = 4  # the longest example, where there is a time axis


class Memory:
    """Buffers of one call, in memory of the driver."""

    def __init__(self, driver):
        self.driver, self.pointers = driver, []

    def allocate(self, size):
        self.pointers.append(self.driver.allocate(size))
        return self.pointers[-1]

    def put(self, array):
        if not array.nbytes:
            return self.allocate(0)
        self.pointers.append(self.driver.put(array))
        return self.pointers[-1]

    def get(self, place, shape, dtype):
        return self.driver.get(place, shape, dtype)

    def free(self):
        for pointer in self.pointers:
            self.driver.free(pointer)


class Device:
    """A loaded module of PTX, and how its functions are called."""

    def __init__(self, folder, path):
        with open(path) as file:
            text = file.read()
        faults = ptx.lint(ptx.Module(text))
        assert not faults, faults
        self.driver = cuda.Driver(os.path.join(folder, "libcuda.so.1"))
        assert self.driver.name() == "rnnc PTX interpreter (no GPU)", self.driver.name()
        self.loaded = self.driver.load(text)
        with open(os.path.splitext(path)[0] + ".json") as file:
            self.manifest = json.load(file)
        assert self.manifest["ptx"] == os.path.basename(path)
        self.functions = {f["symbol"]: f for f in self.manifest["launches"]}

    def call(self, symbol, sizes, given):
        """The results of a function, by name. `given` has what it reads."""
        function, memory = self.functions[symbol], Memory(self.driver)
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
            self.launch(launch, sizes, places)
        out = {name: memory.get(place, (size // np.dtype(dtype).itemsize,), dtype)
               for name, (place, size, dtype) in results.items()}
        memory.free()
        return out

    def launch(self, launch, sizes, places):
        grid, block = ([evaluate(n, sizes) for n in launch[what]] for what in ("grid", "block"))
        assert grid[1:] == block[1:] == [1, 1]
        if not grid[0]:
            return  # no thread has anything to do, and a driver refuses it
        arguments = [evaluate(a["size"], sizes) if "size" in a
                     else places[a["role"], a.get("name")] + evaluate(a["offset"], sizes)
                     for a in launch["args"]]
        self.driver.launch(self.driver.function(self.loaded, launch["kernel"]), grid, block, arguments)


def evaluate(expression, sizes):
    assert re.fullmatch(r"[\w\s()+*/&%-]+", expression), expression
    return int(eval(expression.replace("/", "//"), {"__builtins__": {}}, dict(sizes)))


def main():
    device, library = Device(*sys.argv[1:3]), Library(sys.argv[3])
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
            for batch in map(int, sys.argv[4:]):
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
