"""A library with code for GPUs computes on a GPU what it computes on a
processor: every function, with what it leaves behind, and the parameters and
losses of a number of updates.

on_gpu.py LIBRARY [--steps N] [MODULE.FUNCTION ...]"""
import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Target"))
from library import *  # noqa: E402

from cuda import There  # noqa: E402

options = argparse.ArgumentParser()
options.add_argument("library")
options.add_argument("--steps", type=int, default=3)
options.add_argument("--batch", type=int, default=5)
options.add_argument("--time", type=int, default=6)
options.add_argument("--keep", action="store_true", help="what train_step changes lives on the GPU")
options.add_argument("--there", action="store_true",
                     help="arrays lie on the GPU, calls go into a queue, streams live there")
options.add_argument("--loose", action="store_true", help="the program may lose digits: of f64 1e-8 are enough, of f32 1e-3")
options.add_argument("only", nargs="*")
options = options.parse_args()

library = Library(options.library)
SINGLE = library.real == np.float32
PREFIX = os.path.basename(options.library).split(".")[0].removeprefix("lib")


def tolerance(function, key):
    """An optimiser may divide a gradient by its own size, rounding included: what
    is left of it in f32 has fewer digits. In f64 there are enough."""
    if options.loose:
        return 1e-3 if SINGLE else 1e-8
    if not SINGLE:
        return 1e-12
    left = function == "train_step" and not key[0].isdigit()
    return 1e-3 if left else 1e-5


def open_gpu():
    """A context on the first GPU; ends with the reason where there is none."""
    out, error = memory(library.table.context_size()), Error()
    given = Options(1, b"gpu", TASKS(), None)
    status = library.table.context_init(out.ctypes.data, out.size, c.addressof(given),
                                        c.addressof(error))
    if status:
        sys.exit(f"no GPU: {error.words()} (status {status})")
    return out


def start(module, function):
    about = module.about
    if function == "train_step":
        module.start("optimizer")
    if function in ("step", "sample", "predict_chunk", "begin") and about["kind"] == "model":
        module.start("stream", options.batch)
    if function in ("loss", "grad", "train_step") and "bptt" in about.get("train", {}):
        module.start("carry", options.batch)


def upload(module, name, what):
    """Keeps parameters and prepared weights on the GPU, or gives them up."""
    move = getattr(c.CDLL(os.path.abspath(options.library)), f"{PREFIX}_{name}_gpu_{what}")
    move.argtypes = [P, P, P, P]
    address = lambda a: None if a is None else a.ctypes.data
    status = move(module.context.ctypes.data, address(module.params), address(module.prepared),
                  c.addressof(module.error))
    assert status == OK, module.error.words()


def move_stream(module, what, *more):
    status = getattr(library.table, "gpu_stream_" + what)(
        module.context.ctypes.data, module.index, module.stream.ctypes.data, *more, c.addressof(module.error))
    assert status == OK, module.error.words()


def keep(module, what):
    status = getattr(library.table, "gpu_" + what)(
        module.context.ctypes.data, module.index, module.params.ctypes.data, module.optimizer.ctypes.data,
        c.addressof(module.error))
    assert status == OK, module.error.words()


def run(name, function, context, prepared, ragged, uploads=False):
    """The results of a few calls, one after the other, and what they leave."""
    module = library.module(name, context)
    times = len(module.about_function(function)["times"])
    start(module, function)
    if prepared:
        assert module.prepare() == OK, module.error.words()
    if uploads:
        upload(module, name, "upload")
    kept = options.keep and function == "train_step" and context is gpu
    if kept:
        keep(module, "keep")
    if options.there and context is gpu:
        module.there = there
        if module.stream is not None:
            move_stream(module, "keep")
    out = {}
    for call in range(options.steps if function == "train_step" else 2):
        args = random_arguments(module, function, options.batch, [options.time] * times, seed=call)
        if not ragged:
            lengths = [a["name"] for a in module.about_function(function)["args"]
                       if a["role"] == "lengths"]
            args = {k: v for k, v in args.items() if k not in lengths}
        status, results = module.call(function, options.batch, [options.time] * times, seed=call,
                                      **args)
        if status == UNSUPPORTED and module.there:
            assert "draws on the host" in module.error.words(), module.error.words()
            module.there = None
            status, results = module.call(function, options.batch, [options.time] * times, seed=call, **args)
        out[f"{call}.status"] = np.array(status)
        if status not in (OK, 6, 7):
            sys.exit(f"{name}.{function}: status {status}: {module.error.words()}")
        out.update({f"{call}.{key}": value for key, value in results.items()})
    if kept:
        keep(module, "fetch")
    if options.there and context is gpu and module.stream is not None:
        state = library.table.stream_state_const(module.index, module.stream.ctypes.data, 0)
        # What is drawn without states of its own leaves the stream where it is.
        assert function == "sample" or bool(state) == (not module.about["states"]), (function, state)
        move_stream(module, "fetch", 1)
    out.update({p["name"]: module.data(p["name"]) for p in about_parameters(module)})
    if module.optimizer is not None:
        out["optimizer"] = module.optimizer[128:module.optimizer.size // 8 * 8].view(library.real)
    for kind in ("carry", "stream"):
        if getattr(module, kind) is not None:
            out.update(states_of(module, kind))
    if uploads:
        upload(module, name, "release")
    return out


def states_of(module, kind):
    """States and previous elements of a carry or a stream; what lies between them
    is nothing."""
    line = lambda size: (size + 63) // 64 * 64
    left, width = getattr(module, kind), np.dtype(library.real).itemsize
    at = 64 + line(4 * options.batch)
    out = {f"{kind}.prev": left[at:at + 4 * options.batch].view(np.int32)}
    at += line(4 * options.batch)
    for state in module.about["states"]:
        size = options.batch * int(np.prod(state["shape"], dtype=int)) * width
        out[f"{kind}.{state['name']}"] = left[at:at + size].view(library.real)
        at += line(size)
    return out


def about_parameters(module):
    return module.about["parameters"]


def compare(name, expected, found):
    worst, function = 0, name.split(".")[-1]
    for key, value in expected.items():
        other = found[key]
        if value.dtype.kind in "iu":
            assert (value == other).all(), (name, key, value, other)
            continue
        # Flags lie among numbers in what is left: they are the same bits.
        same = (value == other) | (np.isnan(value) & np.isnan(other))
        with np.errstate(all="ignore"):
            finite = value[np.isfinite(value)]
            scale = max(1, np.abs(finite).max(initial=0))
            difference = np.where(same, 0, np.abs(value - other)) / scale
        assert not np.isnan(difference).any(), (name, key, value, other)
        worst = max(worst, difference.max(initial=0))
        assert difference.max(initial=0) <= tolerance(function, key), (name, key, worst, value, other)
    return worst


processor, gpu, count = library.context(), open_gpu(), 0
there = There() if options.there else None
for about in library.modules:
    for function in [f["name"] for f in about["functions"]]:
        called = f"{about['name']}.{function}"
        if options.only and called not in options.only and function not in options.only:
            continue
        worst = 0
        for prepared in (False, True):
            for ragged in (True, False):
                expected = run(about["name"], function, processor, prepared, ragged)
                found = run(about["name"], function, gpu, prepared, ragged,
                            uploads=ragged and about["name"].isidentifier())
                worst = max(worst, compare(called, expected, found))
        print(f"{called}: {worst:.1e}", flush=True)
        count += 1
grids = getattr(c.CDLL(os.path.abspath(options.library)), PREFIX + "_gpu_grids")
grids.argtypes, grids.restype = [P, P], c.c_int64
refused = c.c_int64()
ran = grids(gpu.ctypes.data, c.addressof(refused))
print(f"{ran} grids, {refused.value} without room")
print(count, "functions agree")
