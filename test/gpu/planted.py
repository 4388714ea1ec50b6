"""Bugs on purpose in the kernels of kernels.ptx: each is caught.

    planted.py kernels.ptx

A bug is a change of a kernel's text or of its launch. Caught means a fault with
the code that is expected, or (code 0) wrong numbers, with one of a few seeds."""
import os
import re
import sys

import cuda
from kernels import Kernels


class Text:
    """One kernel's text, changed."""

    def __init__(self, text, kernel):
        start = text.index(f".entry {kernel}(")
        end = text.index("\n}", start)
        self.before, self.body, self.after = text[:start], text[start:end], text[end:]

    def change(self, pattern, replacement, which=0, count=None):
        found = list(re.finditer(pattern, self.body))
        assert found and (count is None or len(found) == count), (pattern, len(found))
        one = found[which]
        self.body = self.body[:one.start()] + one.expand(replacement) + self.body[one.end():]
        return self

    def __str__(self):
        return self.before + self.body + self.after


BARRIER = r"\tbar\.sync[^;]*;"
# Name; kernel; changes of its text; changes of the launch; weak mode; codes, 0: wrong numbers.
BUGS = [
    ("a guard removed", "saxpy", [(r"@%p\d+ bra[^;]*;", "", 0)], {}, 0, {700}),
    ("a comparison off by one", "saxpy", [(r"setp\.ge\.s32", "setp.gt.s32", 0)], {}, 0, {700}),
    ("first barrier of a tile removed", "matmul", [(BARRIER, "", 0)], {}, 0, {0, 719}),
    ("second barrier of a tile removed", "matmul", [(BARRIER, "", 1)], {}, 0, {0}),
    ("barrier before the steps removed", "lstm_seq", [(BARRIER, "", 0)], {}, 0, {0, 719}),
    ("barrier between gates and state removed", "lstm_seq", [(BARRIER, "", 1)], {}, 0, {0, 719}),
    ("barrier between state and gates removed", "lstm_seq", [(BARRIER, "", 2)], {}, 0, {0}),
    ("a barrier that some threads pass by", "lstm_seq", [(BARRIER, r"\t@%p1 bar.sync 0;", 1)], {}, 0, {702, 719}),
    ("too little shared memory", "lstm_seq", [(r"shl\.b32(\s+%r\d+), (%r\d+), 2;", r"shl.b32\1, \2, 4;", 0)], {}, 0, {700, 716}),
    ("the fence of a grid barrier removed", "rnn_persist", [(r"\tfence\.acq_rel\.gpu;", "", 0)], {}, 1, {0}),
    ("the acquire of a grid barrier relaxed", "rnn_persist", [(r"ld\.acquire\.gpu", "ld.relaxed.gpu", 0)], {}, 1, {0}),
    ("the wait of a grid barrier removed", "rnn_persist", [(r"(ld\.acquire[^;]*;[^@]*)@%p\d+ bra[^;]*;", r"\1", 0)], {}, 0, {0}),
    ("the barrier before a grid barrier removed", "rnn_persist", [(BARRIER, "", 0)], {}, 0, {0}),
    ("the barrier behind a grid barrier removed", "rnn_persist", [(BARRIER, "", 1)], {}, 0, {0}),
    ("nobody arrives at a grid barrier", "rnn_persist", [(r"red\.relaxed[^;]*;", "", 0)], {}, 0, {702}),
    ("a mask without a lane that shuffles", "row_sums", [(r"255;", "127;", -1)], {}, 0, {719}),
    ("a shuffle by another distance", "row_sums", [(r"mov\.u32 (\s*%r\d+), 16;", r"mov.u32 \1, 15;", 0)], {}, 0, {0}),
    ("shared memory not set to zero", "histogram", [(r"st\.shared[^;]*;", "", 0)], {}, 0, {719}),
    ("an atomic sum in three pieces", "histogram",
     [(r"atom\.shared\.add\.u32\s+(%r\d+), (\[%r\d+\]), (\S+);",
       r"ld.shared.u32 \1, \2; add.u32 \1, \1, \3; st.shared.u32 \2, \1;", 0)], {}, 0, {0}),
    ("a wait for a copy removed", "pipeline", [(r"cp\.async\.wait_group 1;", "", 0)], {}, 0, {0, 719}),
    ("a wait for one copy fewer", "pipeline", [(r"cp\.async\.wait_group 0;", "cp.async.wait_group 1;", 0)], {}, 0, {0, 719}),
    ("shared memory aligned to elements only", "pipeline", [(r"\.shared \.align 16", ".shared .align 4", 0)], {}, 0, {716}),
    ("fragments of a matrix swapped", "mma_bf16",
     [(r"\{(%r\d+), (%r\d+), (%r\d+), (%r\d+)\}", r"{\1, \3, \2, \4}", 0)], {}, 0, {0}),
    ("a vector at an odd place", "scale", [], {"offset": 4}, 0, {716}),
    ("results over what ld.global.nc reads", "scale", [], {"inplace": True}, 0, {719}),
    ("another block than .reqntid", "gru_cell", [(r"\n\)\n\{", "\n)\n.reqntid 96, 1, 1\n{", 0)], {"block": (128,)}, 0, {1}),
]


def run(text, kernel, launch, seed, weak):
    """The code of the fault, 0 for wrong numbers, None if nothing was found."""
    os.environ.update(RNNC_PTX_SEED=str(seed), RNNC_PTX_WEAK=str(weak), RNNC_PTX_LIMIT="200000")
    kernels = Kernels(text)
    kernels.changes = launch
    try:
        off = getattr(kernels, kernel)()
        return None if off <= 1e-5 else 0
    except cuda.CudaError as error:
        return error.code
    finally:
        kernels.close()


def main():
    with open(sys.argv[1]) as file:
        original = file.read()
    missed = 0
    for name, kernel, changes, launch, weak, codes in BUGS:
        text = Text(original, kernel)
        for pattern, replacement, which in changes:
            text.change(pattern, replacement, which)
        for seed in range(8):
            code = run(str(text), kernel, launch, seed, weak)
            if code is not None:
                break
        caught = code in codes
        missed += not caught
        what = "wrong numbers" if code == 0 else f"code {code}"
        print(f"{kernel}: {name}: {'caught' if caught else 'MISSED'}, {what}, seed {seed}", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} bugs caught")
    return missed != 0


if __name__ == "__main__":
    sys.exit(main())
