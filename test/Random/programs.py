#!/usr/bin/env python3
"""Random programs, compiled and interpreted: README.md says what is compared.

  programs.py --count 50                    50 programs of a fresh seed, which is printed
  programs.py --count 1000 --seed 7 -j 2    1000 programs on two processes
  programs.py --seed-of lib include         a seed that the compiler's sources give
  programs.py --repeat FILE                 one program again, as its first line says
  programs.py --gpu FOLDER                  on a GPU: FOLDER has the stand-in for its driver
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile

import devices
import generate

AGREE = os.environ.get("RNNC_AGREE", "rnnc-agree")
PASSES = ("hoist", "sum-weight-gradients", "merge-products", "simplify", "prepare-weights",
          "fuse-products", "fuse-rows", "chunk", "stagger", "unroll")
A_FILE = 10  # programs: most of the time of a small one would be its library's runtime
LIMIT = 120  # seconds of a processor
HEAD = "# rnnc-agree "
UNDECIDED = ("not supported", "takes too long")  # shown and counted


def options(seed):
    """How a file is compiled and compared: a function of its seed."""
    draw = random.Random(seed)
    words = [f"-O{draw.choice((0,) * 9 + (1, 2, 3))}"]
    words.append("--march=" + draw.choice(("x86-64-v2", "x86-64-v3", "native")))
    if draw.random() < 0.05:
        words[-1] = "--march="  # v2, v3 and v4, and the best of them is run
    off = draw.sample(PASSES, 2)
    if "chunk" in off:
        off.remove("chunk")
        words.append(f"--chunk={draw.choice((0, 0, 1, 2, 3))}")
    if "unroll" in off:  # left out without being asked for
        off.remove("unroll")
        words.append(f"--unroll={draw.choice((0, 0, 2, 3))}")
    words.append("--without=" + ",".join(off))
    if draw.random() < 0.2:
        words.append("--f32")
    if draw.random() < 0.5:  # what draws and searches among them
        words.append("--all-functions")
    return words + ["--thread-counts=1,3", f"--seed={seed % 2**31}"]


class Outcome:
    """What became of a file."""

    def __init__(self, kind, text, modules=()):
        self.kind, self.text, self.modules = kind, text, modules

    @property
    def failed(self):
        return self.kind not in ("agrees", *UNDECIDED)

    def signature(self):
        """What stays the same while a failing program is made smaller."""
        if self.kind == "differs":
            first = next(d for m in self.modules for d in m["differences"])
            what = re.sub(r"[-\d.]+(e[-+]?\d+)?|nan|inf|`[^`]*`", "", first.split(": ", 1)[1])
            return self.kind, what.split("(")[0]
        error = re.search(r"error: ([^\n]*)", self.text)
        text = re.sub(r"%\w+|[\d.]+|'[^']*'|`[^`]*`|\"[^\"]*\"", "", error[1]) if error else ""
        place = re.search(r"#\d+ 0x\w+ ((?:mlir|rnnc|llvm)::[\w:]+)", self.text)
        return self.kind, text[:80], place[1] if place else ""


def limitTime():
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))  # the first signal is not that of who is killed


def check(text, words):
    """Compiles and compares a file."""
    folder = tempfile.mkdtemp(prefix="rnnc-random-")
    if words and words[0].startswith("--gpu="):
        try:
            return Outcome(*devices.check(text, int(words[1].removeprefix("--seed=")), words[0].removeprefix("--gpu="), folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    try:
        path = pathlib.Path(folder, "program.rnn")
        path.write_text(text)
        done = subprocess.run([AGREE, str(path), "--folder=" + folder, *words],
                              capture_output=True, text=True, errors="replace",
                              preexec_fn=limitTime)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said = done.stdout + done.stderr
    modules = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0:
        return Outcome("agrees", "", modules)
    kinds = {1: "refused", 2: "not supported", 5: "differs", 70: "not compiled"}
    kind = kinds.get(done.returncode, f"crashes ({done.returncode})")
    if kind == "not compiled" and re.search(r"error\[E(142|404|423)\]", said):
        kind = "not supported"
    if done.returncode == -signal.SIGXCPU and re.search("^in ", said, re.M):
        # It is compiled, and what interprets it for the differences takes its time.
        return Outcome("takes too long", f"error: more than {LIMIT} seconds to compare\n{said}", modules)
    if kind == "refused" and "refused\n" not in done.stdout:
        kind = "crashes (1)"
    return Outcome(kind, said, modules)


def together(parts):
    """The text of several programs in one file."""
    return "".join(sorted({head for head, _, _ in parts})) + "".join(text for _, text, _ in parts)


def checkFile(seed, count, gpu):
    """`count` programs from a seed on: outcomes of those that fail, and what was met."""
    words = [f"--gpu={gpu}", f"--seed={seed}"] if gpu else options(seed)
    parts = [generate.program(seed + k, f"_{k}") for k in range(count)]
    whole = check(together(parts), words)
    met, modules, failures = collections.Counter(), [], []
    refused = []
    if whole.kind == "agrees":
        modules = whole.modules
    else:  # which one is it?
        for k, part in enumerate(parts):
            text = together([part])
            one = check(text, words)
            modules += one.modules
            if one.failed:
                failures.append((seed + k, text, words, one))
            elif one.kind in UNDECIDED:
                refused.append((seed + k, one.kind, one.text))
        if whole.failed and not failures and not refused:
            failures.append((seed, together(parts), words, whole))
    for _, _, one in parts:
        met.update({name: 1 for name in one})
    return words, met, modules, failures, refused


def repeat(path):
    """Checks a file whose first line holds the options."""
    text = pathlib.Path(path).read_text()
    words = text.splitlines()[0].removeprefix(HEAD).split() if text.startswith(HEAD) else []
    return check(text, words), text, words


def seedOf(folders):
    """Other sources, other programs; the same ones, the same."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:4], "big") % 2**31


class Summary:
    def __init__(self):
        self.met, self.sums = collections.Counter(), collections.Counter()
        self.options, self.functions = collections.Counter(), collections.Counter()

    def add(self, words, met, modules):
        self.met.update(met)
        for word in words:
            name, _, values = word.partition("=")
            for value in values.split(",") if name == "--without" else [values]:
                if name != "--seed" and (value or name != "--without"):
                    self.options[f"{name}={value}" if "=" in word else name] += 1
        for module in modules:
            for name, n in module["functions"].items():
                self.functions[name] += 1
                self.sums["calls"] += n
            for key in ("directions", "kinks", "not_finite", "ill_conditioned"):
                self.sums[key] += module[key]

    def print(self):
        for title, counts in (("programs with", self.met), ("files with", self.options),
                              ("programs with the function", self.functions),
                              ("in all", self.sums)):
            print(f"{title}:")
            for name, n in sorted(counts.items()):
                print(f"  {n:8} {name}")


def report(failure, out):
    seed, text, words, one = failure
    path = pathlib.Path(out, f"program-{seed}.rnn")
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = HEAD + " ".join(words) + "\n" + text
    path.write_text(whole)
    print(f"--- seed {seed}: {one.kind}")
    for module in one.modules:
        for difference in module["differences"][:6]:
            print("   ", difference)
    if one.kind != "differs":
        print(one.text[:3000])
    print(f"--- again with: {sys.argv[0]} --repeat {path}\n{whole}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="programs")
    parser.add_argument("--seed", type=int, help="of the first; without it a fresh one")
    parser.add_argument("--seed-of", nargs="+", metavar="FOLDER", help="the seed is made of the files there")
    parser.add_argument("--gpu", metavar="FOLDER", help="compare a GPU with a processor; the driver is there")
    parser.add_argument("-j", type=int, default=1, help="processes")
    parser.add_argument("--out", default="random-failures", help="where failing programs go")
    parser.add_argument("--log", help="a file that gets a line with the seed and the outcome")
    parser.add_argument("--progress", action="store_true", help="how many are done")
    parser.add_argument("--quiet", action="store_true", help="no table of what was met")
    parser.add_argument("--repeat", metavar="FILE", help="check this program again")
    args = parser.parse_args()
    if args.repeat:
        one, text, words = repeat(args.repeat)
        print(one.kind)
        print(one.text, end="")
        return one.failed
    seed = args.seed
    if seed is None:
        seed = seedOf(args.seed_of) if args.seed_of else secrets.randbelow(2**31)
    print(f"{args.count} programs, --seed {seed}", flush=True)
    starts = range(seed, seed + args.count, A_FILE)
    summary, failed, refused, done = Summary(), 0, 0, 0
    with concurrent.futures.ProcessPoolExecutor(args.j) as pool:
        jobs = [pool.submit(checkFile, start, min(A_FILE, seed + args.count - start), args.gpu)
                for start in starts]
        for job in concurrent.futures.as_completed(jobs):
            words, met, modules, failures, others = job.result()
            summary.add(words, met, modules)
            for failure in failures:
                report(failure, args.out)
            for one, kind, text in others:
                print(f"--- seed {one}: {kind}\n{text[:600]}", flush=True)
            failed += len(failures)
            refused += len(others)
            done += min(A_FILE, args.count)
            if sys.stderr.isatty() or args.progress:
                print(f"{done} done, {failed} failed", file=sys.stderr, flush=True)
    if not args.quiet:
        summary.print()
    line = (f"{args.count - failed - refused} agree, {refused} not supported, "
            f"{failed} fail; --seed {seed}")
    print(line)
    if args.log:
        with open(args.log, "a") as log:
            log.write(line + "\n")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
