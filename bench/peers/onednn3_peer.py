"""oneDNN 3.x: `pip install onednn onednn-devel` in this environment or in that which ONEDNN3 names.

It is built on SYCL, so it needs Intel's OpenCL for processors, which comes with it.
"""
import os
import pathlib
import sys

from peers.onednn import OneDNN, built

PREFIX = pathlib.Path(os.environ.get("ONEDNN3", sys.prefix))
LIBRARIES = PREFIX / "lib"
if not (LIBRARIES / "libdnnl.so").exists() or not (PREFIX / "include/dnnl.hpp").exists():
    raise ImportError(f"no oneDNN in {PREFIX} (pip install onednn onednn-devel, or name its environment by ONEDNN3)")


class Peer(OneDNN):
    name = "onednn3"
    program = built("onednn-devel", f"-I{PREFIX / 'include'}", f"-L{LIBRARIES}", f"-Wl,-rpath,{LIBRARIES}")
    environment = {"OCL_ICD_FILENAMES": str(LIBRARIES / "libintelocl.so"), "ONEAPI_DEVICE_SELECTOR": "opencl:cpu",
                   "LD_LIBRARY_PATH": str(LIBRARIES)}
