"""Random command lines of rnnc: none may end by a signal, by an internal error
or without a word about what is wrong, hang, change its inputs, or send control
characters to the terminal.

  command_lines.py RNNC [--count N] [--seed S] [--keep DIR]

Options and verbs are read from the help texts, so that new ones take part by
themselves. The seed is printed; one more run with it repeats every line.
"""
import argparse
import hashlib
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = 30
PRINTING_S = 300  # of options that print the whole program again and again
MEMORY = 6 << 30
GOOD_CODES = {0, 1, 2, 3, 4, 5}

SOURCE = """import std
dim V, H = 4
model LM {
  output text : [T] in V
  time T
  use rnn = gru[H, H]
  use head = dense[H, V]
  param Emb : [V, H] ~ normal(0, 1)
  text ~ unfold cell start 0
}
"""
ADD = """dim I = 2, H = 3
cell plain(x: [I]) -> [H] {
  param W : [H, I] ~ glorot
  param U : [H, H] ~ glorot
  state h : [H] = 0
  h' = tanh(W @ x + U @ h)
  out h'
}
model Sum {
  time T
  input x : [T, I]
  output y : real
  use net = plain
  param v : [H] ~ glorot
  y ~ normal(v @ (fold net over x).h, 1)
}
train Sum {
  batch 2
  epochs 1
}
"""
WORDS = ["", "-", "--", "=", "a", "nan", "inf", "-1", "0", "1", "2", "3.5", "1e999", "-0",
         "9223372036854775807", "9223372036854775808", "18446744073709551616",
         "2147483647", "2147483648", "0x10", "1_000", "١", "1 ", " 1", "H=2", "H=0", "H=-1",
         "H=99999999999999999999", "V=3", "Q=3", "=3", "H=", "80/10/10", "80/20", "50/60",
         "100/0/0", "nan/1", "///", "chars", "words", "f64", "f32", "tsv", "csv", "npz", "text",
         "jsonl", "x=0", "x=0,y=1", "x", "y=,", "temperature=nan", "T=2", "T=2147483648",
         "a" * 5000, "ab\x1b[31mred", "line\nbreak", "tab\there", "\u202eright", "caf\udce9",
         "%s%n", "$(touch boo)", "../..", "/dev/null", ".", "/", "nowhere/deep/file",
         "loss", "Sum.loss", "Sum.grad", "Sum.train_step", "Sum.step", "plain.vjp", "predict",
         "E001", "E101", "W501", "E000", "native", "x86-64-v3", "x86-64-v9", "full", "off",
         "scheduled", "phases", "kernel", "ast", "llvm", "shared", "object", "static"]
FILES = ["good.rnn", "other.rnn", "broken.rnn", "binary.rnn", "text.txt", "pairs.tsv", "series.csv",
         "lines.jsonl", "empty", "x.npz", "w.safetensors", "half.safetensors", "folder",
         "link.rnn", "run", "out", "out.npz", "libnew.so", "phase.mlir"]


def make_files():
    write = lambda name, text: open(name, "wb").write(
        text if isinstance(text, bytes) else text.encode())
    write("good.rnn", ADD)
    write("other.rnn", SOURCE)
    write("broken.rnn", ADD.replace("tanh(", "tanhh(").replace("state", "stat"))
    write("binary.rnn", bytes(range(256)) * 4)
    write("text.txt", "to be or not to be\n" * 20)
    write("pairs.tsv", "y\tx\n" + "".join(f"{i % 3}\tword{i} other\n" for i in range(20)))
    write("series.csv", "value\n" + "".join(f"{i * i % 7}\n" for i in range(40)))
    write("lines.jsonl", '{"x": [[1, 2], [3, 4]], "y": 3}\n' * 5)
    write("empty", "")
    write("half.safetensors", b"\x40\0\0\0\0\0\0\0{\"a\":")
    write("w.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    write("phase.mlir", "module {\n}\n")
    os.makedirs("folder", exist_ok=True)
    os.symlink("good.rnn", "link.rnn")
    try:
        import numpy
        numpy.savez("x.npz", x=numpy.ones((2, 3, 2), "f4"), y=numpy.ones(2, "f4"))
    except ImportError:
        write("x.npz", b"PK\x03\x04")


def options_of(rnnc, verb):
    """(name, takes a value) of a verb, from its help text."""
    command = [rnnc, verb, "--help"] if verb else [rnnc, "good.rnn", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S).stdout
    found = []
    for line in text.splitlines():
        match = re.match(r"\s+(-[-\w,]+)(.?)(\S*)", line)
        if match:
            for name in match.group(1).split(","):
                if name not in ("-h", "--help", "--help-hidden"):
                    found.append((name, bool(match.group(3)) and match.group(3)[0] != "-"))
    return found


def verbs_of(rnnc):
    text = subprocess.run([rnnc, "--help"], capture_output=True, text=True).stdout
    part = text[text.find("Verbs"):]
    return re.findall(r"^  (\w+) ", part, re.M)


def line(rng, verbs, options):
    verb = rng.choice(verbs + [""] * 3)
    words = [verb] if verb else []
    value = lambda: rng.choice(FILES) if rng.random() < 0.5 else rng.choice(WORDS)
    good = {"train": ["good.rnn", "--data", "x.npz", "--out", "out"],
            "run": ["good.rnn", "Sum.loss", "--in", "x.npz"],
            "eval": ["run", "--data", "x.npz"], "predict": ["run"], "sample": ["run"],
            "report": ["run"], "graph": ["good.rnn"],
            "gradcheck": ["good.rnn"], "inspect": ["good.rnn"], "check": ["good.rnn"],
            "explain": ["E101"], "": ["good.rnn", "-o", "libnew.so"]}
    if rng.random() < 0.8:
        words += good.get(verb, [])
    else:
        words += [value() for _ in range(rng.randrange(4))]
    for _ in range(rng.randrange(4)):
        if options[verb] and rng.random() < 0.85:
            name, takes = rng.choice(options[verb])
            words.append(name)
            if takes or rng.random() < 0.2:
                if rng.random() < 0.3:
                    words[-1] += "=" + value()
                else:
                    words.append(value())
        else:
            words.insert(rng.randrange(len(words) + 1), value())
    if verb == "train":  # what is right must end too
        words += ["--max-time", "0.2"]
    return [word.replace("\0", "") for word in words]


def outputs(words):
    """Files that a line asks to be written, and does not read."""
    asked = {word.split("=", 1)[1] for word in words if re.match(r"--?o(ut)?=", word)}
    asked |= {after for word, after in zip(words, words[1:]) if word in ("-o", "--o", "--out")}
    return {name for name in asked if words.count(name) + sum(
        word.endswith("=" + name) for word in words) == 1}


def digest():
    sums = {}
    for name in sorted(os.listdir(".")):
        if os.path.isfile(name) and name in FILES and name not in ("out.npz", "libnew.so"):
            sums[name] = hashlib.sha256(open(name, "rb").read()).hexdigest()
    return sums


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fault(rnnc, words):
    """What is wrong with how the command line ended; empty if nothing is."""
    command = [rnnc] + [word.encode("utf-8", "surrogateescape") for word in words]
    seconds = PRINTING_S if any("--mlir-print" in word for word in words) else TIMEOUT_S
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        return f"did not end within {seconds} s", b""
    if done.returncode not in GOOD_CODES:
        return f"ended with {done.returncode}", done.stderr
    if done.returncode and not done.stderr and not done.stdout:
        return f"ended with {done.returncode} without a word", b""
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", done.stderr) if "--color" in words else done.stderr
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", plain):
        return "control characters in a message", done.stderr
    return "", done.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rnnc")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep")
    args = parser.parse_args()
    rnnc = os.path.abspath(args.rnnc) if os.sep in args.rnnc else shutil.which(args.rnnc)
    print(f"seed {args.seed}", flush=True)
    rng = random.Random(args.seed)
    home = args.keep or tempfile.mkdtemp(prefix="rnnc-lines-")
    os.makedirs(home, exist_ok=True)
    faults, codes = 0, {}
    os.chdir(home)
    make_files()
    verbs = verbs_of(rnnc)
    options = {verb: options_of(rnnc, verb) for verb in verbs + [""]}
    if len(verbs) < 5 or not all(options[verb] for verb in ("train", "run", "")):
        sys.exit(f"the help texts were not understood: {options}")
    before = digest()
    for number in range(args.count):
        words = line(rng, verbs, options)
        shutil.rmtree("out", ignore_errors=True)
        wrong, message = fault(rnnc, words)
        after = digest()
        changed = {name for name in before if after.get(name) != before[name]}
        if not wrong and changed - outputs(words):
            wrong, message = "an input has changed", b""
        if changed:
            for name in os.listdir("."):
                shutil.rmtree(name) if os.path.isdir(name) and not os.path.islink(name) \
                    else os.remove(name)
            make_files()
            before = digest()
        if wrong:
            faults += 1
            shown = " ".join(repr(word) if re.search(r"[^-\w./=]", word) or not word else
                             word[:80] for word in words)
            print(f"{number}: {wrong}: rnnc {shown}\n  {message[-600:]!r}", flush=True)
    if not args.keep:
        os.chdir("/")
        shutil.rmtree(home, ignore_errors=True)
    print(f"{args.count} command lines, {faults} faults")
    sys.exit(faults != 0)


main()
