"""stack.py PROBE.so LIBRARY...: every function of the libraries, with several
sizes and every variant of their code, on a thread with a stack of 64 KB. Prints
the most that any needed; more than 32 KB is an error."""
import ctypes as c
import sys

import numpy as np

from library import *

STACK, LIMIT = 64 << 10, 32 << 10


class Most(c.Structure):
    _fields_ = [("size", SIZE), ("used", SIZE)]


class OnSmallStack:
    """The library's table, whose calls run on painted stacks."""

    def __init__(self, probe, table):
        self.probe, self.table, self.used = probe, table, 0

    def __getattr__(self, name):
        return getattr(self.table, name)

    def run(self, what, *arguments):
        status = I32(-1)
        entry = getattr(self.probe, what)
        entry.restype = SIZE
        used = entry(c.byref(self.table), *arguments, SIZE(STACK), c.byref(status))
        assert used > 0, "no thread was made"
        self.used = max(self.used, used)
        return status.value

    def call(self, context, module, function, call):
        return self.run("stack_of_call", P(context), module, function, P(call))

    def prepare(self, context, module, params, prepared, size, error):
        return self.run("stack_of_prepare", P(context), module, P(params), P(prepared),
                        SIZE(size))


def contexts(probe, library):
    """Every variant on one thread; the best one with tasks on small stacks."""
    most = Most(STACK, 0)
    for variant in ("v2", "v3", "v4"):
        context = library.context(1, variant)
        if not isinstance(context, int):
            yield variant, context, None
    tasks = c.cast(probe.tasks_on_small_stacks, TASKS)
    out = memory(library.table.context_size())
    options = Options(4, None, tasks, c.addressof(most))
    assert library.table.context_init(out.ctypes.data, out.size, c.addressof(options), None) == OK
    yield "tasks", out, most
    yield "threads", library.context(3), None


def main():
    probe = c.CDLL(sys.argv[1])
    worst, calls, tasks = (0, ""), 0, 0

    def saw(used, *what):
        nonlocal worst
        assert used <= LIMIT, (used, *what)
        worst = max(worst, (used, " ".join(map(str, what))))

    for path in sys.argv[2:]:
        library = Library(path)
        for name, context, most in contexts(probe, library):
            for about in library.modules:
                for function in about["functions"]:
                    for batch, steps in ((1, 1), (33, 21)):
                        module = library.module(about["name"], context)
                        module.table = OnSmallStack(probe, library.table)
                        if function["name"] == "train_step":
                            module.start("optimizer")
                        if function["stream"]:
                            module.start("stream", batch)
                        times = [steps] * len(function["times"])
                        given = random_arguments(module, function["name"], batch, times)
                        for prepared in (False, True):
                            if prepared:
                                assert module.prepare() == OK
                            status, _ = module.call(function["name"], batch, times, seed=1,
                                                    **given)
                            assert status in (OK, EMPTY), module.error.words()
                            calls += 1
                        saw(module.table.used, path.split("/")[-1], name, about["name"],
                            function["name"], batch, steps)
            if most:
                saw(most.used, path.split("/")[-1], "a task")
                tasks = max(tasks, most.used)
    # Not every library has work that is worth tasks.
    assert tasks > 0, "nothing was cut into tasks"
    print(calls, "calls, at most", worst[0], "bytes of stack:", worst[1])


main()
