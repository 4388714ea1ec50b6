#!/usr/bin/env python3
"""Holds a library for another machine against numbers from this one: calls.c,
made for the other machine, makes the calls; here they are listed and compared.

  calls.py agree RUN PROGRAM LIBRARY HERE_PROGRAM HERE_LIBRARY
  calls.py threads RUN PROGRAM LIBRARY
  calls.py schedule PLANNED.mlir
  calls.py golden RUN PROGRAM LIBRARY CASE.npz...
  calls.py layers CASE.npz...

RUN is the emulator's command, HERE_LIBRARY the same source compiled for the
machine at hand. `agree` calls every function on ragged batches, with weights
prepared and not; states that a call leaves behind are used by the next one.
Integers, such as drawn symbols, are to be equal; real numbers may differ by
1e-6 (f32) or 1e-12 (f64) of a tensor's largest value, as sums have another
order. `threads`: 1 and 3 threads give the same bytes; `schedule` prints one by
which small work is cut too. `golden`: the layers of
test/Golden against PyTorch's numbers, within the tolerance stated there;
`layers` prints their source.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np

import library as lib

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "Golden"))
import compare

TOLERANCE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
RESULTS = ("loss", "norm", "output", "probability", "state_out", "grad")


def words(*values):
    return struct.pack(f"<{len(values)}q", *values)


def sized(blob):
    return words(len(blob)) + blob


class Call:
    """One entry of the list, and how its results are read."""

    def __init__(self, manifest, module, function, batch, times, given, seed=None,
                 prepared=False, repeat=1, weights=b""):
        self.about = manifest["modules"][module]
        names = [f["name"] for f in self.about["functions"]]
        self.function = self.about["functions"][names.index(function)]
        self.name = f"{self.about['name']}.{function}"
        self.repeat = repeat
        self.results = {}
        sizes = dict(zip(self.function["times"], times), batch=batch)
        args = b""
        for arg in self.function["args"]:
            shape = [sizes.get(d, d) for d in arg["shape"]]
            kind = np.dtype(lib.DTYPES[arg["dtype"]])
            if arg["role"] in RESULTS:
                self.results[arg["name"]] = shape, kind
                args += words(2, int(np.prod(shape, dtype=int)) * kind.itemsize)
            elif arg["name"] in given:
                value = np.asarray(given[arg["name"]], kind, order="C")
                assert list(value.shape) == shape, (self.name, arg, value.shape)
                args += words(1) + sized(value.tobytes())
            else:
                args += words(0)
        model = self.about["kind"] == "model"
        carries = (function in ("loss", "grad", "train_step")
                   and "bptt" in self.about.get("train", {}))
        self.record = (words(module, names.index(function), batch, repeat, prepared,
                             function == "train_step", carries,
                             function in ("step", "sample") and model, seed is not None,
                             seed or 0)
                       + sized(weights) + words(len(times), *times)
                       + words(len(self.function["args"])) + args)

    def read(self, take):
        """Every tensor that came back, by name."""
        out = {f"before {k}": v for k, v in tensors(take()).items()}
        for i in range(self.repeat):
            status, = struct.unpack("<q", take())
            assert status == lib.OK, (self.name, status)
            for name, (shape, kind) in self.results.items():
                if np.prod(shape, dtype=int):
                    out[name if i == 0 else f"{name}, call {i + 1}"] = np.frombuffer(
                        take(), kind).reshape(shape)
        out |= {f"after {k}": v for k, v in tensors(take()).items()}
        return out


def tensors(blob):
    with tempfile.NamedTemporaryFile() as file:
        file.write(blob)
        file.flush()
        return compare.read_safetensors(pathlib.Path(file.name))


def start(run, program, library, *arguments):
    name = pathlib.Path(library).name.split(".")[0].removeprefix("lib")
    command = [str(c) for c in (*run, program, pathlib.Path(library).resolve(),
                                   name + "_describe", *arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make(calls, run, program, library, threads=1):
    """The results of every call."""
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / "calls").write_bytes(words(len(calls)) + b"".join(c.record for c in calls))
        said = start(run, program, library, threads, tmp / "calls", tmp / "results")
        assert said.startswith("calls: done"), said
        blob = (tmp / "results").read_bytes()
    at = 0

    def take():
        nonlocal at
        size, = struct.unpack_from("<q", blob, at)
        at += 8 + size
        return blob[at - size:at]

    results = [call.read(take) for call in calls]
    assert at == len(blob)
    return results


class About:
    """What random_arguments asks of a module."""

    def __init__(self, about):
        self.about = about

    def about_function(self, name):
        return next(f for f in self.about["functions"] if f["name"] == name)


def every(manifest, batch, time):
    """All functions, with weights prepared and not."""
    for index, about in enumerate(manifest["modules"]):
        for function in about["functions"]:
            times = [time] * len(function["times"])
            given = lib.random_arguments(About(about), function["name"], batch, times)
            given = {name.replace("__", "."): value for name, value in given.items()}
            for prepared in (False, True):
                yield Call(manifest, index, function["name"], batch, times, given, 9, prepared,
                           repeat=3)


def difference(call, got, want):
    """The largest one, in shares of what is allowed."""
    worst = 0.0
    assert got.keys() == want.keys(), (call.name, got.keys(), want.keys())
    for name, expected in want.items():
        found = got[name]
        if expected.dtype not in TOLERANCE:
            if not np.array_equal(found, expected):
                sys.exit(f"{call.name}: `{name}` is {found}, here {expected}")
            continue
        largest = max(np.abs(expected).max(initial=0), 1e-30)
        error = np.abs(found.astype(np.float64) - expected).max(initial=0) / largest
        share = error / TOLERANCE[expected.dtype]
        if not share <= 1:
            sys.exit(f"{call.name}: `{name}` differs by {error:.3g} of its largest value")
        worst = max(worst, share)
    return worst


def agree(run, program, library, here_program, here_library):
    manifest = json.loads(start(run, program, library))
    calls = list(every(manifest, batch=5, time=7))
    got = make(calls, run, program, library)
    want = make(calls, [], here_program, here_library)
    worst = max(map(difference, calls, got, want))
    numbers = sum(v.size for result in want for v in result.values())
    print(f"{manifest['target']}, {manifest['precision']}: {len(calls)} calls, {numbers} numbers "
          f"agree, at most {worst:.2g} of the tolerance apart")


def threads(run, program, library):
    calls = list(every(json.loads(start(run, program, library)), batch=37, time=3))
    one, three = (make(calls, run, program, library, n) for n in (1, 3))
    for call, a, b in zip(calls, one, three):
        for name in a:
            if a[name].tobytes() != b[name].tobytes():
                sys.exit(f"{call.name}: `{name}` is not the same on 3 threads")
    print(f"{len(calls)} calls give the same bytes on 1 and 3 threads")


def schedule(planned):
    text = pathlib.Path(planned).read_text()
    for name in ["module", *sorted(set(re.findall('kernel.name = "([^"]+)"', text)))]:
        print(f"{name}: chunk_bytes = 64" if "/chunks" in name else f"{name}: worth_tasks = 1")


def layer(path, data):
    kind, _, variant = path.stem.removeprefix("layer-").partition("-")
    suffix = {"two": "_two", "both": "_both"}.get(variant.split("-")[0], "")
    width = data["out.out"].shape[-1] // (2 if suffix == "_both" else 1)
    return f"{kind}{suffix}[{data['in.x'].shape[-1]}, {width}]"


def layers(*cases):
    print((compare.HERE / "layers.rnn").read_text())
    for name in sorted({layer(path, np.load(path)) for path in map(pathlib.Path, cases)}):
        print(f"export {name}.forward, {name}.vjp")


def golden_calls(manifest, path):
    data, precision = np.load(path), manifest["precision"]
    module = [m["source"] for m in manifest["modules"]].index(layer(path, data))
    with tempfile.NamedTemporaryFile() as file:
        compare.write_safetensors(pathlib.Path(file.name), compare.part(data, "weight.", precision))
        weights = pathlib.Path(file.name).read_bytes()
    inputs = compare.part(data, "in.", precision)
    batch, time = inputs["x"].shape[:2]
    for function in ("forward", "vjp"):
        wanted = {k: v for k, v in compare.part(data, "out.").items()
                  if function == "vjp" or not k.startswith("grad.")}
        yield Call(manifest, module, function, batch, [time], inputs, weights=weights), wanted


def golden(run, program, library, *cases):
    manifest = json.loads(start(run, program, library))
    precision = manifest["precision"]
    listed = [(call, wanted, path) for path in map(pathlib.Path, cases)
              for call, wanted in golden_calls(manifest, path)]
    got = make([call for call, _, _ in listed], run, program, library)
    worst = max(compare.check(f"{path.stem} {call.name} {precision}", result, wanted, precision)
                for result, (call, wanted, path) in zip(got, listed))
    print(f"{len(listed)} golden calls, {precision}: largest difference {worst:.2g}, "
          f"at most {compare.TOLERANCE[precision]:.0e}")


if __name__ == "__main__":
    mode, *rest = sys.argv[1:]
    if mode in ("layers", "schedule"):
        {"layers": layers, "schedule": schedule}[mode](*rest)
    else:
        {"agree": agree, "threads": threads, "golden": golden}[mode](rest[0].split(), *rest[1:])
