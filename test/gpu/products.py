"""Products by tensor cores: results are those of factors that were rounded, and as
far from those of a processor as the documentation says, no more.

    products.py                  compiles libraries, and checks them
    products.py LIBRARY TYPE     checks one"""
import os
import re
import shutil
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "Target"), os.path.join(HERE, "..", "Target", "NVPTX")]
from library import *  # noqa: E402

SOURCE = os.path.join(HERE, "products.rnn")
SIZES = {"plain": (37, 75), "long": (600, 20)}
# What a result is off at most, in parts of the sum of its products' sizes, and
# what sums of f32 add to that.
BOUND = {"tf32": 2.0 ** -10 + 2.0 ** -22, "bf16": 2.0 ** -7 + 2.0 ** -16}
SUM = 1e-5


def rounded(values, kind):
    """To nearest: ties away from zero in tf32, to even in bf16."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    if kind == "tf32":
        bits = (bits + 0x1000) & ~np.uint64(0x1FFF)
    else:
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & ~np.uint64(0xFFFF)
    return bits.astype(np.uint32).view(np.float32).astype(float)


def compile_library(name, *options, level="-O0"):
    """Which products a GPU makes, and how."""
    run = subprocess.run(["rnnc", SOURCE, "--target=cpu,nvptx64", "-march=x86-64-v3", level, "--remarks", "-o", f"lib{name}.so",
                          *options], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    return re.findall(r"`(\S+)` on sm_80: there is (.*)", run.stderr)


def on_gpu(library):
    out, error = memory(library.table.context_size()), Error()
    given = Options(1, b"gpu", TASKS(), None)
    status = library.table.context_init(out.ctypes.data, out.size, c.addressof(given), c.addressof(error))
    assert not status, error.words()
    return out


def far(found, left, right, kind, more=0.0):
    """How far a product is from that of rounded factors, and from the exact one,
    in parts of what is allowed."""
    sizes = np.abs(left).astype(float) @ np.abs(right) + np.abs(more)
    rounding = np.abs(found - (rounded(left, kind) @ rounded(right, kind) + more)) / (SUM * sizes + 1e-30)
    exact = np.abs(found - (left.astype(float) @ right + more)) / ((BOUND[kind] + SUM) * sizes + 1e-30)
    return rounding.max(initial=0), exact.max(initial=0), np.abs(found - (left.astype(float) @ right + more)).max(initial=0)


def check(library, name, kind, batch, time, ragged):
    """Forward and gradients; of ragged sequences what lies inside of them."""
    module = library.module(name, on_gpu(library), seed=batch)
    inner, outer = SIZES[name]
    draw = np.random.default_rng(time)
    weights, bias = module.data("d.W").reshape(outer, inner), module.data("d.b")
    weights[:] = draw.normal(size=weights.shape)
    bias[:] = draw.normal(size=bias.shape)
    x = draw.normal(size=(batch, time, inner)).astype(np.float32)
    cot = draw.normal(size=(batch, time, outer)).astype(np.float32)
    lengths = draw.integers(0, time + 1, batch) if ragged else np.full(batch, time)
    there = np.arange(time) < lengths[:, None]
    more = {"T": lengths} if ragged else {}
    status, got = module.call("forward", batch, [time], x=x, **more)
    assert status == OK, module.error.words()
    say = [far(got["out"][there], x[there], weights.T, kind, bias.astype(float))]
    above = [a["name"].replace(".", "__") for a in module.about_function("vjp")["args"] if a["role"] == "cot"]
    status, got = module.call("vjp", batch, [time], x=x, **{key: cot for key in above}, **more)
    assert status == OK, module.error.words()
    say.append(far(got["grad.x"][there], cot[there], weights, kind))
    say.append(far(got["grad.d.W"].reshape(outer, inner), cot[there].T, x[there], kind))
    assert all(a <= 1 and b <= 1 for a, b, _ in say), (name, kind, batch, time, lengths, say)
    return max(off for *_, off in say)


def assembled(kind):
    """Says for which chips NVIDIA's assembler takes the kernels."""
    from assemble import assemble
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    if not os.path.exists(ptxas):
        return "SKIPPED: there is no ptxas here"
    subprocess.run(["rnnc", SOURCE, "--target=nvptx64", "--emit=ptx", "--schedule=tiles.txt", f"--product-type={kind}",
                    "-o", "out.ptx"], check=True)
    with open("out.ptx") as file:
        assert f"{kind}.{kind}.f32" in file.read()
    chips = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
    registers = max(assemble(ptxas, "out.ptx", chip) for chip in chips)
    return f"ptxas takes all of them for {' '.join(chips)}, a thread has {registers} registers at most"


def check_all(library, kind):
    """How far the worst number is off."""
    off = max(check(library, layer, kind, batch, time, ragged) for layer in SIZES
              for batch, time, ragged in ((1, 1, False), (3, 7, True), (5, 30, False), (7, 20, True)))
    assert off > 1e-4, "nothing was rounded"
    return off


def main():
    if len(sys.argv) > 1:
        off = check_all(Library(sys.argv[1]), sys.argv[2])
        return print(f"rounded factors, sums of f32; off by {off:.1e}")
    names = [name for name, _ in compile_library("plain")]
    assert len(names) == 8, names
    for kind in ("tf32", "bf16"):
        for rows, columns, terms in ((128, 128, 8), (16, 16, 8), (48, 80, 32), (64, 32, 16)):
            with open("tiles.txt", "w") as file:
                file.writelines(f"{name}@sm_80: block_rows = {rows}, block_columns = {columns}, block_steps = {terms}, flat_rows = 1\n"
                                for name in names)
            # A library that is open stays what it is, whatever its file becomes.
            name = f"{kind}_{rows}_{terms}"
            remarks = compile_library(name, "--schedule=tiles.txt", f"--product-type={kind}", level="-O1" if rows == 128 else "-O0")
            assert all(f"of factors in {kind}" in words for _, words in remarks), remarks
            off = check_all(Library(f"lib{name}.so"), kind)
            print(f"{kind}, tiles of {rows} x {columns}, {terms} terms: rounded factors, sums of f32; off by {off:.1e}", flush=True)
            if rows == 128:
                print(assembled(kind), flush=True)


if __name__ == "__main__":
    main()
