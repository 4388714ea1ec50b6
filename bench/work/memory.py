"""The largest resident size of a C program that calls one function of a library once."""
import os
import pathlib
import subprocess

import numpy as np
from library import DTYPES, Library

HERE = pathlib.Path(__file__).resolve().parent


def peak(folder, module, function, batch, steps, left_out=()):
    """Of libmodel.so in the folder; results are wanted, arguments zeros."""
    library = Library(folder / "libmodel.so")
    number = [m["name"] for m in library.modules].index(module)
    functions = library.modules[number]["functions"]
    about = next(f for f in functions if f["name"] == function)
    sizes = dict(zip(about["times"], [steps] * len(about["times"])), batch=batch)
    size = lambda arg: int(np.prod([sizes.get(d, d) for d in arg["shape"]], dtype=np.int64)
                           ) * np.dtype(DTYPES[arg["dtype"]]).itemsize
    given = [0 if arg["role"] == "lengths" or arg["name"] in left_out else size(arg) for arg in about["args"]]
    program = folder / "once"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{folder}",
                    HERE / "once.c", f"-L{folder}", "-lmodel", f"-Wl,-rpath,{folder}", "-o", program], check=True)
    words = [number, functions.index(about), batch, steps, *given]
    return float(subprocess.run([program, *map(str, words)], check=True, capture_output=True).stdout)
