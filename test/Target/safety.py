"""Every function of every module: no rows beside objects that have some, results
that are not wanted, values out of range, sizes that cannot be held, a process
that was forked."""
import os
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])
HUGE = 2**31 - 1


def every_function():
    for about in library.modules:
        for function in about["functions"]:
            module = library.module(about["name"])
            yield module, function, [5] * len(function["times"])


def start(module, function, batch):
    """What the function keeps between calls."""
    if function["name"] == "train_step":
        module.start("optimizer")
    if function["carry"]:
        module.start("carry", batch)
    if function["stream"]:
        module.start("stream", batch)


def kept(module):
    return [o.copy() if o is not None else None
            for o in (module.params, module.optimizer, module.carry, module.stream)]


def unchanged(before, module, where, skip=()):
    for i, (a, b) in enumerate(zip(before, kept(module))):
        assert i in skip or a is None or (a == b).all(), (where, i)


def no_rows():
    for module, function, times in every_function():
        start(module, function, 3)
        name = function["name"]
        args = random_arguments(module, name, 3, times)
        assert module.call(name, 3, times, seed=1, **args)[0] == OK, module.error.words()
        before = kept(module)
        args = random_arguments(module, name, 0, times)
        status, results = module.call(name, 0, times, seed=1, **args)
        where = (module.about["name"], name, module.error.words())
        assert status == OK, (where, status)
        assert all((v == 0).all() for v in results.values()), (where, results)
        unchanged(before, module, where, skip=(1,) if name == "train_step" else ())
        if name == "train_step":
            assert module.counters().empty == 1 and (before[1][192:] == module.optimizer[192:]).all()


def nothing_observed():
    """A batch whose rows are all empty: the loss and its gradients are 0."""
    for module, function, times in every_function():
        name = function["name"]
        predicted = {o["name"]: o for o in module.about.get("outputs", [])}
        if name not in ("loss", "grad", "train_step") or not all(o["axes"] for o in predicted.values()):
            continue
        start(module, function, 3)
        args = random_arguments(module, name, 3, times)
        args |= {axis: [0, 0, 0] for axis in function["times"]}
        before = kept(module)
        status, results = module.call(name, 3, times, seed=1, **args)
        assert status == OK and all((v == 0).all() for v in results.values()), (name, results)
        unchanged(before, module, name, skip=(1,))


def unwanted_results():
    for module, function, times in every_function():
        name = function["name"]
        args = random_arguments(module, name, 3, times)
        start(module, function, 3)
        status, whole = module.call(name, 3, times, seed=1, **args)
        assert status == OK
        for unwanted in [[one] for one in whole] + [list(whole)]:
            module = library.module(module.about["name"])
            start(module, function, 3)
            status, part = module.call(name, 3, times, seed=1, unwanted=unwanted, **args)
            assert status == OK, (name, unwanted, module.error.words())
            assert part.keys() == whole.keys() - set(unwanted)
            for key, value in part.items():
                assert value.tobytes() == whole[key].tobytes(), (name, unwanted, key)


def valid_place(function, arg, args, shape):
    """An entry of an index array that is no padding, and one that is."""
    place, padding = [2] + [0] * (len(shape) - 1), None
    for i, dim in enumerate(arg["shape"]):
        if dim in function["times"]:
            args[dim] = np.array([5, 0, 3])
            place[i], padding = 2, list(place)
            padding[i] = 3
    return tuple(place), padding and tuple(padding)


def out_of_range():
    """Nothing was written when an index, a length or a flag is refused."""
    count = 0
    for module, function, times in every_function():
        name = function["name"]
        start(module, function, 3)
        for arg in function["args"]:
            if arg["dtype"] != "i32" or arg["role"] not in ("input", "lengths", "reset"):
                continue
            args = random_arguments(module, name, 3, times)
            key = arg["name"].replace(".", "__")
            if arg["role"] == "input":
                place, padding = valid_place(function, arg, args, args[key].shape)
                limit, wanted = arg["size"], INDEX
            else:
                args[key] = np.zeros(3, int)
                place, padding = (2,), None
                limit, wanted = (2, INDEX) if arg["role"] == "reset" else (times[0] + 1, LENGTH)
            for bad in (-1, limit, HUGE, -2**31):
                wrong = dict(args)
                wrong[key] = np.array(args[key])
                wrong[key][place] = bad
                before = kept(module)
                status, results = module.call(name, 3, times, seed=1, **wrong)
                e, where = module.error, (module.about["name"], name, key, bad)
                assert (status, e.value, e.example, e.name.decode()) == (wanted, bad, 2, arg["name"]), where
                assert all((v == 77).all() for v in results.values()), where
                unchanged(before, module, where)
                count += 1
            if padding:
                wrong = dict(args)
                wrong[key] = np.array(args[key])
                wrong[key][padding] = -7
                assert module.call(name, 3, times, seed=1, **wrong)[0] == OK, (name, key, module.error.words())
    assert count > 40, count


def sizes():
    """A size that cannot be held is 0, and the call says so; no call is made
    with fewer bytes than it needs, however large the numbers are."""
    for module, function, times in every_function():
        number = module.functions().index(function["name"])
        for batch, time in ((HUGE, HUGE), (HUGE, 1), (1, HUGE), (-1, 4), (4, -1), (2**20, 2**20),
                            (1, 2**28), (-2**31, -2**31)):
            padded = np.array([time] * len(times), np.int32)
            need = library.table.workspace_size(module.context.ctypes.data, module.index, number, batch,
                                                padded.ctypes.data)
            negative = batch < 0 or times and time < 0
            assert not negative or need == 0, (function["name"], batch, time, need)
            start(module, function, 0)
            module.carry = None
            work, pointers = memory(4096), (P * 64)()
            call = Call(module.params.ctypes.data, None,
                        module.optimizer.ctypes.data if module.optimizer is not None else None, None, None,
                        work.ctypes.data, 1024, batch, len(times), padded.ctypes.data,
                        c.addressof(pointers), len(function["args"]), 0, 1, c.addressof(module.error))
            status = library.table.call(module.context.ctypes.data, module.index, number, c.addressof(call))
            assert status in (ARGUMENT, WORKSPACE) and module.error.status == status, (function["name"], status)
            assert module.error.words() and (work[1024:] == 0xA5).all()
    for about in library.modules:
        module = library.module(about["name"])
        for batch in (-1, -2**31):
            assert library.table.stream_size(module.index, batch) == 0
            assert library.table.carry_size(module.index, batch) == 0


def sampling():
    lm = library.module("LM")
    text = np.zeros((1, 4), np.int32)
    for time in (2**28, HUGE):
        number, padded = lm.functions().index("sample"), np.array([0, time], np.int32)
        assert library.table.workspace_size(lm.context.ctypes.data, lm.index, number, 1,
                                            padded.ctypes.data) == 0
        work, pointers = memory(1 << 20), (P * 16)()
        names = [arg["name"] for arg in lm.about_function("sample")["args"]]
        pointers[names.index("text")] = text.ctypes.data
        call = Call(lm.params.ctypes.data, None, None, None, None, work.ctypes.data, work.size, 1, 2,
                    padded.ctypes.data, c.addressof(pointers), len(names), 0, 1, c.addressof(lm.error))
        status = library.table.call(lm.context.ctypes.data, lm.index, number, c.addressof(call))
        assert status == ARGUMENT and "at most" in lm.error.words(), (status, lm.error.words())
    for option, value in (("temperature", -1), ("temperature", np.nan), ("temperature", np.inf),
                          ("top_k", -1), ("top_p", 1.5), ("top_p", -0.1), ("top_p", np.nan),
                          ("never", -2), ("never", 1000)):
        status, results = lm.call("sample", 1, [0, 4], seed=1, **{option: value})
        assert status == ARGUMENT and lm.error.name.decode() == option, (option, value, status)
        assert (results["text"] == 77).all()


def damaged():
    """The element before is an index, wherever it comes from."""
    lm = library.module("LM")
    for kind, function, times in (("carry", "loss", [3]), ("stream", "sample", [0, 3])):
        lm.start(kind, 2)
        getattr(lm, kind)[128:136].view(np.int32)[:] = (0, 7)
        args = {"text": np.ones((2, 3))} if function == "loss" else {}
        status, _ = lm.call(function, 2, times, seed=1, **args)
        assert status == STATE and "damaged" in lm.error.words(), (kind, status, lm.error.words())


def forked():
    """A child works with its parent's context and ends it."""
    context = library.context(3)
    lm = library.module("LM", context)
    text = np.random.default_rng(3).integers(1, 7, (64, 9))
    here = lm.call("grad", 64, [9], text=text, seed=1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import signal
            signal.alarm(60)
            there = lm.call("grad", 64, [9], text=text, seed=1)
            same = there[0] == OK and all((here[1][k] == there[1][k]).all() for k in here[1])
            library.table.context_finish(context.ctypes.data)
            code = 0 if same else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lm.call("grad", 64, [9], text=text, seed=1)[1]["loss"] == here[1]["loss"]
    library.table.context_finish(context.ctypes.data)


for test in (no_rows, nothing_observed, unwanted_results, out_of_range, sizes, sampling, damaged, forked):
    test()
    print(test.__name__, "ok")
