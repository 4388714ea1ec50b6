"""Examples on a GPU: every function of each, forward, gradients, updates and draws,
gives the numbers of a processor, in f32 and f64. Sizes are small: the device is
interpreted.

    examples.py DRIVER_FOLDER EXAMPLES [NAME...]"""
import glob
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = 9  # of dims that are larger, or have no size


def sizes(path):
    """-D options: an odd size for what has none or a large one, another for each."""
    with open(path) as file:
        said = re.findall(r"^dim ([^#\n]*)", file.read(), re.M)
    given = []
    for one in ", ".join(said).split(","):
        name, _, value = one.replace(" ", "").partition("=")
        if name and (not value or int(value) > SMALL + 3):
            given.append(f"-D{name}={SMALL - len(given) % 5}")
    return given


def compile_library(path, precision):
    """None: the file has nothing that a library could have."""
    command = ["rnnc", path, "--target=cpu,nvptx64", "-march=x86-64-v3", "-O1", f"--precision={precision}", "-o", "libit.so"]
    # A size that others follow from, or that the source says, is left to it.
    given = sizes(path)
    while True:
        run = subprocess.run(command + given, text=True, capture_output=True)
        if run.returncode == 0:
            return given
        if "nothing to compile" in run.stderr:
            return None
        left = [d for d in given if not re.search(rf"`{d[2:].split('=')[0]}`", run.stderr)]
        assert len(left) < len(given), (path, given, run.stderr)
        given = left


def main():
    driver, examples, *names = sys.argv[1:]
    count = functions = 0
    place = dict(os.environ, LD_LIBRARY_PATH=driver)
    for path in sorted(glob.glob(examples + "/*/*.rnn")):
        name = os.path.relpath(path, examples)
        if names and name not in names:
            continue
        for precision in ("f32", "f64"):
            begin = time.time()
            given = compile_library(path, precision)
            if given is None:
                break
            run = subprocess.run([sys.executable, os.path.join(HERE, "on_gpu.py"), "libit.so", "--batch", "3", "--time", "5", "--steps", "2"],
                                 text=True, capture_output=True, env=place)
            assert run.returncode == 0, (name, precision, given, run.stdout, run.stderr[-3000:])
            agree = int(re.search(r"(\d+) functions agree", run.stdout)[1])
            print(f"{name} {precision} {' '.join(given)}: {agree} functions agree, {time.time() - begin:.0f} s", flush=True)
            functions += agree
        else:
            count += 1
    print(f"{count} examples, {functions} functions: the numbers of a processor")


if __name__ == "__main__":
    main()
