"""Every program of the tree for GPUs: what can be compiled for processors has
kernels without a fault. As a file that says what to launch there are those of
some functions; the others are refused with a code and a place, because they
need code on the host, which a library has.

    every.py FOLDER... prints how many there were."""
import glob
import os
import re
import subprocess
import sys
import tempfile

import ptx

VALUES = ("V=11", "K=3")  # of dims that data or a command line gives


def main():
    counts = {"PTX": 0, "E908": 0, "other errors": 0}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.ptx")
        for path in sorted(p for root in sys.argv[1:] for p in glob.glob(root + "/**/*.rnn", recursive=True)):
            command = ["rnnc", path, "--target=nvptx64", "-O0", "-o", out]
            run = subprocess.run(command, text=True, capture_output=True)
            if "has no value" in run.stderr:
                for value in VALUES:
                    if f"`{value[0]}` has no value" in run.stderr:
                        run = subprocess.run(command + ["-D" + value], text=True, capture_output=True)
            if run.returncode == 0:
                with open(out) as file:
                    faults = ptx.lint(ptx.Module(file.read()))
                assert not faults, (path, faults)
                counts["PTX"] += 1
                continue
            if "nothing to compile" in run.stderr:  # a file of cells for others
                counts["other errors"] += 1
                continue
            said = re.findall(r"^error.*", run.stderr, re.M)
            assert run.returncode == 1 and said and "fault of" not in run.stderr, (path, run)
            assert all(re.match(r"error\[E\d{3}\]", line) for line in said), (path, run.stderr)
            # Whoever meets the error is shown where: each has a place.
            assert len(re.findall(r"^ *--> .*:\d+:\d+$", run.stderr, re.M)) >= len(said), (path, run.stderr)
            counts["E908" if "E908" in run.stderr else "other errors"] += 1
            if "E908" in run.stderr:
                used = [a for a in run.args if a.startswith("-D")]
                whole = subprocess.run(["rnnc", path, "--target=nvptx64", "--emit=ptx", "-O0", "-o", out] + used,
                                       text=True, capture_output=True)
                assert whole.returncode == 0, (path, whole.stderr)
                with open(out) as file:
                    faults = ptx.lint(ptx.Module(file.read()))
                assert not faults, (path, faults)
    assert counts["PTX"] and counts["E908"], counts
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


if __name__ == "__main__":
    main()
