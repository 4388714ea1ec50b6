"""long.py LIBRARY: how the workspace grows with the number of steps."""
import sys

from library import *

library = Library(sys.argv[1])


def growth(name, function, batch=16):
    """Bytes of workspace for each step and example."""
    module = library.module(name)
    number = module.functions().index(function)

    def need(steps):
        times = np.array([steps], np.int32)
        return module.table.workspace_size(module.context.ctypes.data, module.index, number,
                                           batch, times.ctypes.data)
    return (need(20000) - need(10000)) / 10000 / batch, need(10000)


for about in library.modules:
    for function in about["functions"]:
        bytes, total = growth(about["name"], function["name"])
        print(about["name"], function["name"], f"{bytes:.0f} bytes, {total / 1e6:.0f} MB at 10000")
