"""What the stand-in driver does when it is told to fail, and what it reports."""
import os
import sys

import numpy as np

import cuda

TEXT = """.version 7.0
.target sm_80
.address_size 64
.visible .entry set(.param .u64 p)
{
  .reg .b32 %r<2>; .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p]; mov.b32 %r1, 7; st.global.b32 [%rd1], %r1; ret;
}
"""


def work():
    """A launch from beginning to end, which gives back all it took."""
    driver = cuda.Driver(cuda.stand_in())
    taken = []
    try:
        module = driver.load(TEXT)
        taken.append(("cuModuleUnload", module))
        for _ in range(3):
            pointer = driver.allocate(4)
            taken.append(("cuMemFree_v2", cuda.ctypes.c_uint64(pointer)))
        driver.launch(driver.function(module, "set"), (1,), (1,), [pointer])
        assert driver.get(pointer, 1, np.int32)[0] == 7
    finally:
        for entry, what in reversed(taken):
            driver(entry, what)
        driver.close()


def attempt(**variables):
    os.environ.update(variables)
    try:
        work()
        print(variables, "works", flush=True)
    except cuda.CudaError as error:
        print(variables, error, flush=True)
    for name in variables:
        del os.environ[name]


attempt()
attempt(RNNC_PTX_NO_DEVICE="1")
attempt(RNNC_PTX_FAIL="cuInit=999")
attempt(RNNC_PTX_FAIL="cuDevicePrimaryCtxRetain=2")
attempt(RNNC_PTX_MEMORY="8")
attempt(RNNC_PTX_CAPABILITY="7.5")
attempt(RNNC_PTX_FAIL="cuModuleLoadDataEx=221")
attempt(RNNC_PTX_FAIL="cuLaunchKernel=719")
# Each allocation once; calls are counted from the first one of the program.
for call in (10, 12, 15, 99):
    attempt(RNNC_PTX_FAIL=f"cuMemAlloc_v2:{call}=2")
attempt()
old = cuda.ctypes.CDLL(os.path.join(os.environ["RNNC_STAND_IN_DRIVER"], "..", "driver-old", "libcuda.so.1"))
for entry in ("cuInit", "cuLaunchKernel", "cuLaunchCooperativeKernel"):
    print("driver-old", entry, hasattr(old, entry))
sys.exit(0)
