#!/usr/bin/env python3
"""One LSTM layer (T = 150, f32) on growing numbers of threads.

    thread_scaling.py LIB [--hidden 256] [--batch 16 64 128] [--threads 1 2 4 8 16]

LIB is a library made by `rnnc` from this source, named layer.rnn (256 stands for
what --hidden says):

    import std
    export lstm[256, 256].forward, lstm[256, 256].vjp

Calls the library through its C functions (nothing else of rnnc is needed, so it
runs on any machine), checks that every number of threads gives the same bytes,
and prints the best time of each, with PyTorch's beside it where there is one.
Exits with 1 if the bytes differ. Needs numpy.
"""
import argparse
import ctypes
import os
import sys
import time

import numpy as np

STEPS = 150


class ContextOptions(ctypes.Structure):
    """rnnc_context_options; the fields that follow stay zero."""
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("variant", ctypes.c_char_p), ("rest", ctypes.c_byte * 64)]


def pointer(array):
    return ctypes.c_void_p(0 if array is None else array.ctypes.data)


def aligned(size):
    """`size` bytes that start at a cache line."""
    array = np.zeros(size + 64, np.uint8)
    start = -array.ctypes.data % 64
    return array[start:start + size]


def best_of(repeat, work):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


class Layer:
    def __init__(self, path, hidden, batch):
        self.library, self.batch, self.hidden = ctypes.CDLL(os.path.abspath(path)), batch, hidden
        self.prefix = f"layer_lstm_{hidden}_{hidden}_"
        self.library.layer_context_create.restype = ctypes.c_void_p
        self.library.layer_context_variant.restype = ctypes.c_char_p
        rng = np.random.default_rng(1)
        shape = (batch, STEPS, hidden)
        self.x, self.cotangent = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        self.params = aligned(self.size("params_size"))
        self.check("params_init", pointer(self.params), ctypes.c_size_t(len(self.params)), ctypes.c_uint64(1),
                   None)

    def size(self, name, *args):
        function = getattr(self.library, self.prefix + name)
        function.restype = ctypes.c_int64
        return function(*args)

    def check(self, name, *args):
        status = getattr(self.library, self.prefix + name)(*args)
        if status:
            sys.exit(f"{name} returned {status}")

    def run(self, threads, repeat):
        """(variant, {function: (ms, bytes of all results)})."""
        context = ctypes.c_void_p(self.library.layer_context_create(ctypes.byref(ContextOptions(ctypes.sizeof(ContextOptions), threads, None)), None))
        prepared = aligned(self.size("prepared_size", context))
        self.check("prepare", context, pointer(self.params), pointer(prepared), ctypes.c_size_t(len(prepared)),
                   None)
        results = {name: self.call(name, context, prepared, repeat) for name in ("forward", "vjp")}
        variant = self.library.layer_context_variant(context).decode()
        self.library.layer_context_destroy(context)
        return variant, results

    def call(self, name, context, prepared, repeat):
        hidden = self.hidden
        state = (self.batch, hidden)
        shapes = [self.x.shape, state, state]
        cotangents = []
        if name == "vjp":
            weight = (4, hidden, hidden)
            shapes += [self.x.shape, state, state, weight, weight, (4, hidden)]
            cotangents = [self.cotangent, None, None]
        results = [np.zeros(shape, np.float32) for shape in shapes]
        workspace = aligned(self.size(name + "_workspace_size", context, self.batch, STEPS))
        args = [context, pointer(self.params), pointer(prepared), pointer(workspace), ctypes.c_size_t(len(workspace)),
                ctypes.c_int32(self.batch), ctypes.c_int32(STEPS),
                *map(pointer, [None, self.x, None, None, *cotangents, *results, None])]
        return best_of(repeat, lambda: self.check(name, *args)), b"".join(r.tobytes() for r in results)


def torch_times(layer, threads, repeat):
    import torch
    torch.set_num_threads(threads)
    net = torch.nn.LSTM(layer.hidden, layer.hidden, batch_first=True)
    x, cotangent = torch.tensor(layer.x, requires_grad=True), torch.tensor(layer.cotangent)

    def forward():
        with torch.no_grad():
            net(x)

    return best_of(repeat, forward), best_of(repeat, lambda: net(x)[0].backward(cotangent))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("library", metavar="LIB")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--repeat", type=int, default=12)
    args = parser.parse_args()
    try:
        import torch  # noqa: F401
        peer = torch_times
    except ImportError:
        peer = lambda *_: (float("nan"), float("nan"))
    same = True
    print("| batch | threads | code | forward ms | PyTorch | vjp ms | PyTorch | bytes |\n|" + "---|" * 8)
    for batch in args.batch:
        layer, first = Layer(args.library, args.hidden, batch), None
        for threads in args.threads:
            variant, results = layer.run(threads, args.repeat)
            blobs = [blob for _, blob in results.values()]
            first = first or blobs
            same = same and blobs == first
            forward, training = peer(layer, threads, args.repeat)
            print(f"| {batch} | {threads} | {variant} | {results['forward'][0]:.2f} | {forward:.2f} | "
                  f"{results['vjp'][0]:.2f} | {training:.2f} | {'same' if blobs == first else 'OTHER'} |", flush=True)
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
