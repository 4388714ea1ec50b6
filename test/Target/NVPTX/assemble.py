"""NVIDIA's assembler takes the kernels of every example, for each chip: no warning,
no register that is spilled. The library with the largest text does not grow by more
than it should.

    assemble.py FOLDER... -- CHIP..."""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

REGISTERS = 65536  # of a processor
LARGEST = 300_000  # bytes that code for GPUs adds to a library


def compile_kernels(path, out, precision):
    """The values of dims that data would give; None: the file has no kernels."""
    values = []
    for _ in range(12):
        run = subprocess.run(["rnnc", path, "--target=nvptx64", "--emit=ptx", f"--precision={precision}", "-o", out, *values],
                             text=True, capture_output=True)
        if run.returncode == 0:
            with open(out) as file:
                return values if ".entry" in file.read() else None
        missing = re.search(r"`(\w+)` has no value", run.stderr)
        if not missing:
            break
        values.append(f"-D{missing[1]}={5 + 2 * len(values)}")
    if "nothing to compile" in run.stderr:  # a file of cells for others
        return None
    sys.exit(f"{path}: {run.stderr}")


def keep_new(path, known):
    """Leaves those kernels in a text that no other had, and says how many there are, and
    were: programs have kernels that differ in their names."""
    with open(path) as file:
        head, *kernels = file.read().split(".visible .entry ")
    new = {}
    for kernel in kernels:
        name, body = kernel.split("(", 1)
        body = re.sub(r"\$L__BB\d+_", "$L__BB_", body.replace(name, ""))
        if body not in known:
            known.add(body)
            new[body] = kernel
    with open(path, "w") as file:
        file.write(".visible .entry ".join([head, *new.values()]))
    return len(new), len(kernels)


def expected(path):
    """Of each kernel: threads of a block, blocks that are to share a processor, and
    bytes of shared memory, as its text says."""
    with open(path) as file:
        text = file.read()
    kernels = {}
    for entry in text.split(".visible .entry ")[1:]:
        number = lambda pattern, what: sum(map(int, re.findall(pattern, what, re.M)))
        shared = number(r"^\t\.shared \.align \d+ \.b8 [^[]*\[(\d+)\];", entry)
        kernels[entry.split("(")[0]] = (number(r"^\.reqntid (\d+)", entry), number(r"^\.minnctapersm (\d+)", entry) or 1, shared)
    return kernels


def check_plans(path, said):
    """What the assembler gave each kernel is what it was planned with: so many blocks
    fit a processor, with so much shared memory (a whole number of 16 bytes)."""
    known = expected(path)
    found = re.findall(r"Compiling entry function '(\S+)'.*\n(?:.*\n)*?.*Used (\d+) registers(.*)", said)
    assert len(found) == len(known), (len(found), len(known))
    for name, registers, more in found:
        threads, blocks, shared = known[name]
        # Registers are given out by the 8 of a thread.
        assert -(-int(registers) // 8) * 8 * threads * blocks <= REGISTERS, (name, registers, threads, blocks)
        used = sum(map(int, re.findall(r"(\d+) bytes smem", more)))
        assert shared <= used <= shared + 1024 + 16, (name, used, shared)


def assemble(ptxas, path, chip):
    """The most registers of a thread."""
    run = subprocess.run([ptxas, f"-arch={chip}", "-v", "--warning-as-error", "--warn-on-spills", path, "-o", os.devnull],
                         text=True, capture_output=True)
    said = run.stdout + run.stderr
    wrong = [line for line in said.splitlines()
             if not line.startswith("ptxas info") and not re.fullmatch(r"\s*(0 bytes \w+ \w+(, )?)+", line)
             or "out of bound" in line]
    assert run.returncode == 0 and not wrong, "\n".join(wrong[:10])
    check_plans(path, said)
    return max(map(int, re.findall(r"Used (\d+) registers", said)))


def added(path, values, folder):
    """Bytes by which a library grows."""
    sizes = []
    for target in ("cpu,nvptx64", "cpu"):
        out = os.path.join(folder, "libsize.so")
        subprocess.run(["rnnc", path, *(["--target=" + target] if "," in target else []), "-march=x86-64-v3", "-o", out, *values],
                       check=True)
        sizes.append(os.path.getsize(out))
    return sizes[0] - sizes[1]


def programs(folders, precisions, out):
    """Those that have kernels, one after the other in the file `out`."""
    for path in sorted(p for root in folders for p in glob.glob(root + "/**/*.rnn", recursive=True)):
        for precision in precisions:
            values = compile_kernels(path, out, precision)
            if values is not None:
                yield path, precision, values


def main():
    split = sys.argv.index("--")
    folders, chips = sys.argv[1:split], sys.argv[split + 1:]
    precisions = ["f32"] + [c for c in chips if c == "f64"]
    chips = [c for c in chips if c != "f64"]
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    there = os.path.exists(ptxas)
    count = kernels = different = registers = 0
    largest, known = (0, "", []), set()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        out = os.path.join(folder, "out.ptx")
        for path, precision, values in programs(folders, precisions, out):
            count += 1
            if precision == "f32":
                largest = max(largest, (os.path.getsize(out), path, values))
            new, all_of_it = keep_new(out, known)
            kernels, different = kernels + all_of_it, different + new
            if not new or not there:
                continue
            for chip, one in [(chip, pool.submit(assemble, ptxas, out, chip)) for chip in chips]:
                try:
                    registers = max(registers, one.result())
                except AssertionError as error:
                    sys.exit(f"ptxas -arch={chip} and {path} in {precision}: {error}")
        more = added(*largest[1:], folder)
        assert more < LARGEST, (largest, more)
    print(f"{count} programs, {kernels} kernels, {different} different ones; the largest text has {largest[0]} bytes, its library "
          f"grows by {more}: " + os.path.relpath(largest[1], folders[0]))
    if there:
        print(f"ptxas takes all of them for {' '.join(chips)}, a thread has {registers} registers at most")
    else:
        print("SKIPPED: there is no ptxas here, so nothing was assembled")


if __name__ == "__main__":
    main()
