"""The entries of a CUDA driver, real or stand-in, for tests in Python."""
import ctypes
import os

import numpy as np


class CudaError(Exception):
    def __init__(self, entry, code):
        super().__init__(f"{entry}: {code}")
        self.entry, self.code = entry, code


class Driver:
    """libcuda.so.1 at `path`, one device, its primary context current."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self("cuDeviceGet", ctypes.byref(device), 0)
        self.device = device.value
        self("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self("cuCtxSetCurrent", context)

    def __call__(self, entry, *arguments):
        code = getattr(self.library, entry)(*arguments)
        if code:
            raise CudaError(entry, code)

    def close(self):
        self("cuDevicePrimaryCtxRelease_v2", self.device)

    def name(self):
        text = ctypes.create_string_buffer(100)
        self("cuDeviceGetName", text, 100, self.device)
        return text.value.decode()

    def attribute(self, number):
        value = ctypes.c_int()
        self("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(size, 1)))
        return pointer.value

    def free(self, pointer):
        self("cuMemFree_v2", ctypes.c_uint64(pointer))

    def put(self, array):
        array = np.ascontiguousarray(array)
        pointer = self.allocate(array.nbytes)
        self("cuMemcpyHtoD_v2", ctypes.c_uint64(pointer), ctypes.c_void_p(array.ctypes.data),
             ctypes.c_size_t(array.nbytes))
        return pointer

    def get(self, pointer, shape, dtype):
        array = np.empty(shape, dtype)
        self("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(pointer),
             ctypes.c_size_t(array.nbytes))
        return array

    def load(self, text):
        module = ctypes.c_void_p()
        self("cuModuleLoadDataEx", ctypes.byref(module), text.encode() + b"\0", 0, None, None)
        return module

    def function(self, module, name):
        function = ctypes.c_void_p()
        self("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def launch(self, function, grid, block, arguments, shared=0, cooperative=False):
        """`arguments` are numbers of numpy or ctypes, and ints for addresses and sizes."""
        kept = [ctypes.c_uint64(a) if isinstance(a, int)
                else np.ctypeslib.as_ctypes(np.asarray(a)) if isinstance(a, np.generic) else a
                for a in arguments]
        params = (ctypes.c_void_p * max(len(kept), 1))(*map(ctypes.addressof, kept))
        shape = [*grid, *[1] * (3 - len(grid)), *block, *[1] * (3 - len(block)), shared, None, params]
        if cooperative:
            self("cuLaunchCooperativeKernel", function, *shape)
        else:
            self("cuLaunchKernel", function, *shape, None)


class There:
    """Arrays on the GPU, and a queue of its own."""

    def __init__(self):
        self.driver, queue = Driver("libcuda.so.1"), ctypes.c_void_p()
        self.driver("cuStreamCreate", ctypes.byref(queue), 1)
        self.queue = queue.value

    def put(self, array):
        return self.driver.put(array)

    def get(self, place, array):
        self.driver("cuStreamSynchronize", ctypes.c_void_p(self.queue))
        if array is not None:
            array[...] = self.driver.get(place, array.shape, array.dtype)
        self.driver.free(place)


def stand_in():
    """The path of the stand-in driver: the first argument of a test's program."""
    return os.path.join(os.environ["RNNC_STAND_IN_DRIVER"], "libcuda.so.1")
