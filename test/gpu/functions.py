"""Functions of functions.h in PTX that nvcc made, against the host's.

    functions.py FILE.ptx LIBRARY.so"""
import ctypes
import sys

import numpy as np

import cuda

# Functions of nvcc's library and of the C library differ by some units of the last place.
KINDS = (("floats", np.float32, 10, 2e-6), ("doubles", np.float64, 6, 1e-14), ("integers", np.uint64, 9, 0))


def main():
    driver = cuda.Driver(cuda.stand_in())
    with open(sys.argv[1]) as file:
        module = driver.load(file.read())
    host = ctypes.CDLL(sys.argv[2])
    rng = np.random.default_rng(7)
    count, compared = 1000, 0
    for name, dtype, functions, tolerance in KINDS:
        for which in range(functions):
            if dtype == np.uint64:
                x = rng.integers(0, 2**63, count).astype(dtype) >> rng.integers(0, 63, count).astype(dtype)
            else:
                x = rng.normal(0, 3, count).astype(dtype)
            expected = np.empty(count, dtype)
            getattr(host, name)(which, *(ctypes.c_void_p(a.ctypes.data) for a in (x, expected)), count)
            to = driver.allocate(x.nbytes)
            driver.launch(driver.function(module, name), (8,), (128,),
                          [np.int32(which), driver.put(x), to, np.int32(count)])
            got = driver.get(to, count, dtype)
            if dtype == np.uint64:
                wrong = got != expected
            else:
                wrong = ~(np.abs(got - expected) <= tolerance * (1 + np.abs(expected)))
            assert not wrong.any(), (name, which, x[wrong][:3], got[wrong][:3], expected[wrong][:3])
            compared += count
    print(f"{compared} numbers agree")


if __name__ == "__main__":
    main()
