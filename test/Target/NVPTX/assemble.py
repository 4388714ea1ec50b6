"""NVIDIA's assembler takes the kernels of every example, for each chip: no warning,
no register that is spilled. Their text is not larger than a library should grow by.

    assemble.py FOLDER... -- CHIP..."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

LARGEST = 300_000  # bytes that code for GPUs adds to a library


def compile_kernels(path, out):
    """Whether the file has kernels; dims that data gives have some value."""
    values = []
    for _ in range(12):
        run = subprocess.run(["rnnc", path, "--target=nvptx64", "--emit=ptx", "-o", out, *values],
                             text=True, capture_output=True)
        if run.returncode == 0:
            with open(out) as file:
                return ".entry" in file.read()
        missing = re.search(r"`(\w+)` has no value", run.stderr)
        if not missing:
            break
        values.append(f"-D{missing[1]}={5 + 2 * len(values)}")
    if "nothing to compile" in run.stderr:  # a file of cells for others
        return False
    sys.exit(f"{path}: {run.stderr}")


def assemble(ptxas, path, chip):
    """The most registers of a thread."""
    run = subprocess.run([ptxas, f"-arch={chip}", "-v", "--warning-as-error", "--warn-on-spills", path, "-o", os.devnull],
                         text=True, capture_output=True)
    said = run.stdout + run.stderr
    assert run.returncode == 0 and "out of bound" not in said, said
    spilled = [line for line in said.splitlines() if re.search(r"[1-9]\d* bytes (spill|stack)", line)]
    assert not spilled, spilled
    return max(map(int, re.findall(r"Used (\d+) registers", said)))


def main():
    split = sys.argv.index("--")
    folders, chips = sys.argv[1:split], sys.argv[split + 1:]
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    known = os.path.exists(ptxas)
    count = kernels = registers = 0
    largest = (0, "")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.ptx")
        for path in sorted(p for root in folders for p in glob.glob(root + "/**/*.rnn", recursive=True)):
            if not compile_kernels(path, out):
                continue
            count += 1
            size = os.path.getsize(out)
            largest = max(largest, (size, os.path.relpath(path, folders[0])))
            with open(out) as file:
                kernels += file.read().count(".entry ")
            assert size < LARGEST, (path, size)
            for chip in chips if known else ():
                try:
                    registers = max(registers, assemble(ptxas, out, chip))
                except AssertionError as error:
                    sys.exit(f"ptxas -arch={chip} and {path}: {error}")
    print(f"{count} programs, {kernels} kernels; the largest text has {largest[0]} bytes: {largest[1]}")
    if known:
        print(f"ptxas takes all of them for {' '.join(chips)}, a thread has {registers} registers at most")
    else:
        print("SKIPPED: there is no ptxas here, so nothing was assembled")


if __name__ == "__main__":
    main()
