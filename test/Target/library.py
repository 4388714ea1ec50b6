"""A compiled library from Python, through the table of functions that it
describes itself with (include/rnnc/Runtime/ABI.h). For tests; needs numpy."""
import ctypes as c
import json
import os

import numpy as np

OK, ARGUMENT, WORKSPACE, INDEX, LENGTH, WEIGHTS, NOT_FINITE, EMPTY, UNSUPPORTED, STATE, FILE = range(11)
P, I32, I64, SIZE, U64 = c.c_void_p, c.c_int32, c.c_int64, c.c_size_t, c.c_uint64
DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64, "bool": np.uint8}
TASKS = c.CFUNCTYPE(None, P, I64, c.CFUNCTYPE(None, P, I64), P)


class Sized(c.Structure):
    """A struct that begins with its size."""

    def __init__(self, *values):
        super().__init__(c.sizeof(type(self)), *values)


class Error(Sized):
    _fields_ = [("size", SIZE), ("status", I32), ("argument", I32), ("example", I64), ("step", I64),
                ("value", I64), ("name", c.c_char * 128), ("message", c.c_char * 256),
                ("device", I32), ("device_code", I32)]

    def words(self):
        return self.message.decode()


class Options(Sized):
    _fields_ = [("size", SIZE), ("threads", I32), ("variant", c.c_char_p), ("tasks", TASKS),
                ("tasks_user", P), ("device", P)]


class Counters(c.Structure):
    _fields_ = [("size", SIZE), ("updates", I64), ("skipped", I64), ("empty", I64), ("epoch", I64),
                ("total_steps", I64), ("rate_scale", c.c_double), ("bad_parameter", I32),
                ("reserved", I32)]


class Call(Sized):
    _fields_ = [("size", SIZE), ("params", P), ("prepared", P), ("optimizer", P), ("carry", P), ("stream", P),
                ("workspace", P), ("workspace_bytes", SIZE), ("batch", I32), ("num_times", I32),
                ("times", P), ("args", P), ("num_args", I32), ("seed", U64), ("has_seed", I32),
                ("error", P), ("norms", P), ("device_stream", P), ("memory", I32),
                ("reserved", I32)]


def function(result, *arguments):
    return c.CFUNCTYPE(result, *arguments)


class Table(Sized):
    _fields_ = [
        ("size", SIZE), ("abi_version", I32), ("manifest", c.c_char_p), ("strerror", function(c.c_char_p, I32)),
        ("context_size", function(SIZE)), ("context_init", function(I32, P, SIZE, P, P)),
        ("context_finish", function(None, P)), ("context_variant", function(c.c_char_p, P)),
        ("params_size", function(SIZE, I32)), ("params_init", function(I32, I32, P, SIZE, U64, P)),
        ("params_data", function(P, I32, P, I32)), ("params_data_const", function(P, I32, P, I32)),
        ("params_load", function(I32, I32, P, P, SIZE, P)),
        ("prepared_size", function(SIZE, P, I32)),
        ("prepare", function(I32, P, I32, P, P, SIZE, P)),
        ("optimizer_size", function(SIZE, I32)),
        ("optimizer_init", function(I32, I32, P, SIZE, P)),
        ("optimizer_slot", function(P, I32, P, I32)),
        ("optimizer_slot_const", function(P, I32, P, I32)),
        ("optimizer_counters", function(c.POINTER(Counters), I32, P)),
        ("optimizer_counters_const", function(c.POINTER(Counters), I32, P)),
        ("carry_size", function(SIZE, I32, I32)),
        ("carry_init", function(I32, I32, P, SIZE, I32, P)),
        ("stream_size", function(SIZE, I32, I32)),
        ("stream_init", function(I32, P, I32, P, P, SIZE, I32, P)),
        ("stream_state", function(P, I32, P, I32)),
        ("stream_state_const", function(P, I32, P, I32)),
        ("stream_reset", function(I32, I32, P, P, P)),
        ("stream_copy", function(I32, I32, P, SIZE, P, P)),
        ("workspace_size", function(SIZE, P, I32, I32, I32, P)),
        ("prepared_workspace_size", function(SIZE, P, I32, I32, I32, P)),
        ("call", function(I32, P, I32, I32, P)),
        ("params_save_size", function(SIZE, I32)),
        ("params_save", function(I32, I32, P, P, SIZE, P)),
        ("params_baked", function(P, I32)),
        ("params_init_baked", function(I32, I32, P, SIZE, P)),
        ("stream_load", function(I32, I32, P, SIZE, P, SIZE, P)),
        ("carry_state", function(P, I32, P, I32)),
        ("gpu_keep", function(I32, P, I32, P, P, P)),
        ("gpu_fetch", function(I32, P, I32, P, P, P)),
        ("gpu_stream_keep", function(I32, P, I32, P, P)),
        ("gpu_stream_fetch", function(I32, P, I32, P, I32, P))]


def memory(size, fill=0xA5):
    """Bytes aligned to 64, of which nothing is known to be 0."""
    raw = np.full(size + 64, fill, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size]


class Library:
    def __init__(self, path):
        self.table = Table()
        dll = c.CDLL(os.path.abspath(path))
        name = os.path.basename(path).split(".")[0].removeprefix("lib")
        assert getattr(dll, name + "_describe")(c.byref(self.table)) == OK
        self.manifest = json.loads(self.table.manifest)
        self.modules = self.manifest["modules"]
        self.real = DTYPES[self.manifest["precision"]]

    def context(self, threads=1, variant=None, tasks=None):
        """Memory of a context, or a status."""
        out = memory(self.table.context_size())
        options = Options(threads, variant and variant.encode(), tasks or TASKS(), None)
        status = self.table.context_init(out.ctypes.data, out.size, c.addressof(options), None)
        return status or out

    def module(self, name, context=None, seed=1):
        names = [m["name"] for m in self.modules]
        return Module(self, names.index(name), self.context() if context is None else context, seed)


class Module:
    """A module with its parameters; calls by name."""

    def __init__(self, library, index, context, seed):
        self.library, self.index, self.context = library, index, context
        self.table, self.about = library.table, library.modules[index]
        self.params = memory(self.table.params_size(index))
        assert self.table.params_init(index, self.params.ctypes.data, self.params.size, seed,
                                      None) == OK
        self.prepared = self.optimizer = self.carry = self.stream = None
        self.there = None  # what puts arrays on a device, and gets them: `put`, `get`, `queue`
        self.error = Error()

    def data(self, name):
        names = [p["name"] for p in self.about["parameters"]]
        shape = self.about["parameters"][names.index(name)]["shape"]
        place = self.table.params_data(self.index, self.params.ctypes.data, names.index(name))
        kind = np.dtype(self.library.real)
        count = int(np.prod(shape, dtype=int))
        start = place - self.params.ctypes.data
        return self.params[start:start + count * kind.itemsize].view(kind).reshape(shape)

    def prepare(self):
        size = self.table.prepared_size(self.context.ctypes.data, self.index)
        if self.prepared is None:
            self.prepared = memory(size)
        return self.table.prepare(self.context.ctypes.data, self.index, self.params.ctypes.data,
                                  self.prepared.ctypes.data, size, c.addressof(self.error))

    def start(self, kind, batch=0):
        """Makes the optimizer, the carry or the stream."""
        if kind == "optimizer":
            self.optimizer = memory(self.table.optimizer_size(self.index))
            status = self.table.optimizer_init(self.index, self.optimizer.ctypes.data,
                                               self.optimizer.size, None)
        elif kind == "carry":
            self.carry = memory(self.table.carry_size(self.index, batch))
            status = self.table.carry_init(self.index, self.carry.ctypes.data, self.carry.size,
                                           batch, None)
        else:
            self.stream = memory(self.table.stream_size(self.index, batch))
            params = None if self.params is None else self.params.ctypes.data
            status = self.table.stream_init(self.context.ctypes.data, self.index, params,
                                            self.stream.ctypes.data, self.stream.size, batch,
                                            None)
        assert status == OK, status

    def counters(self):
        return self.table.optimizer_counters(self.index, self.optimizer.ctypes.data)[0]

    def functions(self):
        return [f["name"] for f in self.about["functions"]]

    def about_function(self, name):
        return self.about["functions"][self.functions().index(name)]

    def call(self, name, batch, times=(), seed=None, slack=0, unwanted=(), **given):
        """Status, and the results by name. Inputs that are not given and results
        that are not wanted are NULL; `a.b` is given as `a__b`."""
        bound = Bound(self, name, batch, times, seed, slack, unwanted, given)
        status = bound.run()
        bound.finish()
        return status, bound.results


class Bound:
    """A call with all that it needs: it may be made more than once."""

    def __init__(self, module, name, batch, times, seed, slack, unwanted, given):
        self.module, self.table = module, module.table
        about = module.about_function(name)
        given = {key.replace("__", "."): value for key, value in given.items()}
        sizes = dict(zip(about["times"], times), batch=batch)
        self.results, self.kept, self.there = {}, [], module.there
        self.places, self.pointers = {}, (P * max(1, len(about["args"])))()
        for i, arg in enumerate(about["args"]):
            shape = [sizes.get(d, d) for d in arg["shape"]]
            kind = DTYPES[arg["dtype"]]
            if arg["role"] in ("loss", "norm", "output", "probability", "state_out", "grad"):
                if arg["name"] in unwanted:
                    continue
                array = self.results[arg["name"]] = np.full(shape, 77, kind)
            elif arg["name"] in given:
                value = given.pop(arg["name"])
                if value is None:
                    continue
                array = np.asarray(value, kind, order="C")
                assert list(array.shape) == shape, (arg, array.shape)
            else:
                continue
            self.kept.append(array)
            self.pointers[i] = array.ctypes.data
            if self.there and (arg["name"] in self.results or array.dtype.kind == "f"):
                self.pointers[i] = self.places[arg["name"]] = self.there.put(array)
        assert not given, given
        self.number = module.functions().index(name)
        self.padded = np.array(times, np.int32)
        size = (self.table.workspace_size if module.prepared is None
                else self.table.prepared_workspace_size)
        self.need = size(module.context.ctypes.data, module.index, self.number, batch, self.padded.ctypes.data)
        assert self.need > 0, name
        self.work = memory(self.need + 64)
        module.error = Error()
        address = lambda a: None if a is None else a.ctypes.data
        self.call = Call(address(module.params), address(module.prepared), address(module.optimizer),
                         address(module.carry), address(module.stream), self.work.ctypes.data, self.need - slack,
                         batch, len(times), self.padded.ctypes.data, c.addressof(self.pointers),
                         len(about["args"]), seed or 0, seed is not None, c.addressof(module.error), None,
                         self.there and self.there.queue, self.there is not None)

    def run(self):
        return self.table.call(self.module.context.ctypes.data, self.module.index, self.number, c.addressof(self.call))

    def finish(self):
        """Results of a device come to the host; nothing was written where it should not be."""
        for name, place in self.places.items():
            self.there.get(place, self.results.get(name))
        assert (self.work[self.need:] == 0xA5).all(), "wrote behind the workspace"


def random_arguments(module, name, batch, times, seed=0):
    """Arguments that every function takes."""
    draw = np.random.default_rng(seed)
    about = module.about_function(name)
    sizes = dict(zip(about["times"], times), batch=batch)
    inputs = {p["name"]: p for p in module.about["inputs"] + module.about["outputs"]}
    out = {}
    for arg in about["args"]:
        shape = [sizes.get(d, d) for d in arg["shape"]]
        if arg["role"] == "lengths":
            out[arg["name"]] = draw.integers(0, sizes[arg["name"]] + 1, shape)
        elif arg["role"] in ("input", "state_in", "cot"):
            port = inputs.get(arg["name"], {})
            if arg["dtype"] == "i32":
                size = port.get("size") or 2
                if port.get("kind") == "index" and "size" not in port:
                    size = 1  # a place in a sequence, of any length
                if arg["name"] in ("prev", "prompt"):
                    size = next(o for o in module.about["outputs"] if o.get("unfold"))["size"]
                out[arg["name"]] = draw.integers(0, size, shape)
            else:
                out[arg["name"]] = draw.normal(size=shape)
    return {key.replace(".", "__"): value for key, value in out.items()}
