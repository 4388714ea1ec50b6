"""long.py A.so B.so: how the workspace grows with the number of steps, and that
both libraries give the same numbers."""
import sys

from library import *

a, b = Library(sys.argv[1]), Library(sys.argv[2])
BATCH = 16


def need(module, function, steps):
    times = np.array([steps], np.int32)
    number = module.functions().index(function)
    return module.table.workspace_size(module.context.ctypes.data, module.index, number, BATCH,
                                       times.ctypes.data)


for name, function in (("Last", "predict"), ("space_32_128_8", "forward")):
    module, other = a.module(name), b.module(name)
    growth = (need(module, function, 20000) - need(module, function, 10000)) / 10000 / BATCH
    print(f"{name} {function}: {growth:.0f} bytes for each step and example, "
          f"{need(module, function, 10000) / 1e6:.0f} MB for 10000 steps")
    # A state takes 4096 bytes; what is kept are the products with the input, what
    # is computed of them, and room for a result that the caller may not want.
    assert growth < 3072, growth
    given = random_arguments(module, function, 3, [11])
    results = [m.call(function, 3, [11], **given) for m in (module, other)]
    assert [status for status, _ in results] == [OK, OK], module.error.words()
    for key, value in results[0][1].items():
        # Sums of a few hundred terms, in another order.
        np.testing.assert_allclose(value, results[1][1][key], rtol=1e-4, atol=1e-5)
