"""What rnnc's PTX computes in the interpreter, through the driver's entries, and
what the library for processors does with the same weights and arguments.

    emitted.py MODEL.ptx LIBRARY.so BATCH..."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "Target", "NVPTX"))
import agree
import cuda


class Memory:
    """Buffers of one call, in memory of the driver."""

    def __init__(self, driver):
        self.driver, self.pointers = driver, []

    def allocate(self, size):
        self.pointers.append(self.driver.allocate(size))
        return self.pointers[-1]

    def put(self, array):
        if not array.nbytes:
            return self.allocate(0)
        self.pointers.append(self.driver.put(array))
        return self.pointers[-1]

    def get(self, place, shape, dtype):
        return self.driver.get(place, shape, dtype)

    def free(self):
        for pointer in self.pointers:
            self.driver.free(pointer)


class Device(agree.Device):
    def __init__(self, path):
        super().__init__(path)
        self.driver = cuda.Driver(cuda.stand_in())
        assert self.driver.name() == "rnnc PTX interpreter (no GPU)", self.driver.name()
        with open(path) as file:
            self.loaded = self.driver.load(file.read())

    def call(self, symbol, sizes, given, memory=None):
        memory = Memory(self.driver)
        results = super().call(symbol, sizes, given, memory)
        memory.free()
        return results

    def launch(self, launch, sizes, places, memory):
        grid, block = ([agree.evaluate(n, sizes) for n in launch[what]] for what in ("grid", "block"))
        if not grid[0]:
            return  # no thread has anything to do, and a driver refuses it
        arguments = [agree.evaluate(a["size"], sizes) if "size" in a
                     else places[a["role"], a.get("name")] + agree.evaluate(a["offset"], sizes)
                     for a in launch["args"]]
        self.driver.launch(self.driver.function(self.loaded, launch["kernel"]), grid, block, arguments)


if __name__ == "__main__":
    agree.Device = Device
    agree.main()
