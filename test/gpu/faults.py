"""What a library with code for GPUs does where something fails: a status and
words, nothing changed, nothing left on the device, and the processor goes on.

    faults.py LIBRARY DRIVER_FOLDER

Runs itself with `child` as the first argument, once for each fault: the driver
reads its settings once in a process."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Target"))
from library import *  # noqa: E402

DEVICE = 11
BATCH, TIME = 3, 4


def open_context(library, device):
    out, error = memory(library.table.context_size()), Error()
    given = Options(1, device.encode(), TASKS(), None)
    status = library.table.context_init(out.ctypes.data, out.size, c.addressof(given),
                                        c.addressof(error))
    return status, out, error


def update(library, context):
    """One update; its status, words, and all that it may change."""
    module = library.module("LM", context)
    module.start("optimizer")
    module.start("carry", BATCH)
    args = random_arguments(module, "train_step", BATCH, [TIME])
    before = [m.copy() for m in (module.params, module.optimizer, module.carry)]
    status, _ = module.call("train_step", BATCH, [TIME], seed=1, **args)
    changed = any((a != b).any() for a, b in zip(before, (module.params, module.optimizer, module.carry)))
    return status, module.error, changed


def child(path, device):
    library = Library(path)
    status, context, error = open_context(library, device)
    if status == OK:
        status, error, changed = update(library, context)
        assert changed == (status == OK), "something was changed by a call that failed"
        # Device and code are in the error, too.
        if status:
            assert error.device == 0 and status == DEVICE, (error.device, status)
        # What was there is usable again, or fails again; then it goes.
        update(library, context)
        library.table.context_finish(context.ctypes.data)
    status_cpu, _, changed = update(library, library.context())
    assert status_cpu == OK and changed, "the processor does not go on"
    print(f"status {status}: {error.words()}")


class Faults:
    def __init__(self, path, folder):
        self.path, self.folder, self.count = path, folder, 0

    def run(self, folder=None, device="gpu", **settings):
        """What a process says, and what it left on the device."""
        place = {k: v for k, v in os.environ.items() if not k.startswith("RNNC_PTX_")}
        place.update(settings, LD_LIBRARY_PATH=self.folder if folder is None else folder,
                     RNNC_PTX_LOG="-")
        done = subprocess.run([sys.executable, os.path.abspath(__file__), "child", self.path, device],
                              text=True, capture_output=True, env=place)
        assert done.returncode == 0, (settings, done.stdout, done.stderr)
        if left := re.search(r"leaked: (\d+)", done.stderr):
            assert left[1] == "0", (settings, left[0])
        self.count += 1
        return done.stdout.strip()

    def expect(self, status, words, **settings):
        said = self.run(**settings)
        assert said.startswith(f"status {status}:") and words in said, (settings, said)

    def each_call(self, entry, code, words):
        """Fails the first call of an entry, then the second, up to where all is
        well."""
        number = 1
        while True:
            said = self.run(RNNC_PTX_FAIL=f"{entry}:{number}={code}")
            if said.startswith("status 0:"):
                break
            assert said.startswith(f"status {DEVICE}: device 0: ") and words in said, (entry, number, said)
            number += 1
            assert number < 40, f"{entry} is called without an end"
        assert number > 1, f"{entry} is never called"
        return number - 1


def main():
    if sys.argv[1] == "child":
        return child(*sys.argv[2:])
    path, folder = sys.argv[1:]
    faults = Faults(path, folder)
    faults.expect(OK, "")
    faults.expect(DEVICE, "there is no driver", folder="")
    with tempfile.TemporaryDirectory() as old:
        source = os.path.join(old, "old.c")
        with open(source, "w") as file:
            file.write("int cuInit(unsigned flags) { return flags; }\n")
        subprocess.check_call([os.environ.get("CC", "cc"), "-shared", "-fPIC", source, "-o",
                               os.path.join(old, "libcuda.so.1")])
        faults.expect(DEVICE, "the driver is too old: it lacks: cuDriverGetVersion", folder=old)
    faults.expect(DEVICE, "the driver does not start", RNNC_PTX_NO_DEVICE="1")
    faults.expect(DEVICE, "the driver does not start", RNNC_PTX_FAIL="cuInit=3")
    faults.expect(DEVICE, "the device is too old: it is sm_75, and the code is for sm_80",
                  RNNC_PTX_CAPABILITY="7.5")
    faults.expect(DEVICE, "there is no such device: the machine has 1", device="gpu:1")
    faults.expect(UNSUPPORTED, "", device="gpu:x")
    for entry in ("cuDeviceGetCount", "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuModuleLoadDataEx",
                  "cuModuleGetFunction", "cuStreamCreate", "cuEventCreate", "cuCtxPushCurrent_v2"):
        faults.expect(DEVICE, "device 0: ", RNNC_PTX_FAIL=f"{entry}:1=999")
    calls = {entry: faults.each_call(entry, code, words)
             for entry, code, words in (("cuMemAlloc_v2", 2, "there is not enough memory on the device"),)}
    for entry, code in (("cuLaunchKernel", 701), ("cuMemcpyHtoDAsync_v2", 700),
                        ("cuMemcpyDtoHAsync_v2", 700), ("cuStreamSynchronize", 719)):
        for number in (1, 2, 3):
            faults.expect(DEVICE, "device 0: ", RNNC_PTX_FAIL=f"{entry}:{number}={code}")
    print(f"{faults.count} processes, {calls['cuMemAlloc_v2']} allocations that failed: "
          "a status and words, nothing left, the processor goes on")


if __name__ == "__main__":
    main()
