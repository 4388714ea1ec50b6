"""missing.py CPU GPU: a library without code for GPUs says so, and a context on a
processor takes nothing to a GPU."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Target"))
from library import *  # noqa: E402

processor, both = Library(sys.argv[1]), c.CDLL(os.path.abspath(sys.argv[2]))
out, error = memory(processor.table.context_size()), Error()
given = Options(1, b"gpu:0", TASKS(), None)
assert processor.table.context_init(out.ctypes.data, out.size, c.addressof(given),
                                    c.addressof(error)) == UNSUPPORTED
assert "has no code for GPUs: --target=cpu,nvptx64 makes it" in error.words(), error.words()
library = Library(sys.argv[2])
module, error = library.module("LM"), Error()
for name in ("upload", "release"):
    move = getattr(both, "f32_LM_gpu_" + name)
    move.argtypes = [P, P, P, P]
    assert move(module.context.ctypes.data, module.params.ctypes.data, None, c.addressof(error)) == ARGUMENT
    assert "runs on no device" in error.words(), error.words()
