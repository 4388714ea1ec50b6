#!/usr/bin/env python3
"""Brings the generated parts of the documentation up to date.

    docs/make_pages.py             writes them
    docs/make_pages.py --check     writes nothing; says what is out of date, exit 1

`docs/reference/` is made of the TableGen files as a whole (tablegen.py). In
any other page, what stands between

    <!-- show KIND ARGUMENTS -->  and  <!-- end -->

is what the tools print now; the text around is written by hand. Kinds:

    file PATH                    a file of the tree
    emit PHASE [FUNCTION]        `rnnc --emit=PHASE --chunk=off` of docs/how-it-works/tiny.rnn
    opt PHASE FUNCTION PASS...   the same after passes of rnn-opt
    gpu PHASE [FUNCTION]         the phase of docs/how-it-works/gpu.rnn for a GPU
    launches FUNCTION            what a caller of that has to launch
    passes PHASE                 the passes that lead to a phase, as rnn-opt says
    rnnc ARGUMENTS               what `rnnc ARGUMENTS` prints
    message CODE                 a message with this code, from its test
    header                       the header of the library made of tiny.rnn
    symbols                      the names that this library exports

Options: from=REGEX, to=REGEX and until=REGEX cut a part out, before=N begins
it N lines earlier, drop=REGEX leaves lines out. loose says that the part
depends on details of code generation: --check asks only that it can be made.
"""
import argparse
import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the tree stays clean
import excerpts
import tablegen

DOCS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(DOCS)
TINY = os.path.join("docs", "how-it-works", "tiny.rnn")
GPU = os.path.join("docs", "how-it-works", "gpu.rnn")
CUTS = ("from", "before", "to", "until", "drop")
BLOCK = re.compile(r"^(<!-- show (.*?) -->\n)(.*?)^(<!-- end -->)$", re.S | re.M)


class Tools:
    """Runs the tools and keeps what they print."""

    def __init__(self, bin_dir, llvm_dir):
        path = os.pathsep.join([bin_dir, llvm_dir, os.environ["PATH"]])
        self.environment = dict(os.environ, PATH=path, NO_COLOR="1", LC_ALL="C.UTF-8")
        self.include = os.path.join(os.path.dirname(llvm_dir), "include")
        self.kept = {}

    def run(self, tool, *arguments):
        key = (tool, *arguments)
        if key not in self.kept:
            done = subprocess.run([tool, *arguments], cwd=ROOT, text=True, capture_output=True,
                                  env=self.environment)
            if done.returncode:
                sys.exit(f"make_pages.py: {tool} {' '.join(arguments)} failed:\n{done.stderr}")
            self.kept[key] = done.stdout + (done.stderr if tool == "rnn-opt" else "")
        return self.kept[key]

    def tablegen(self, backend, td, *arguments):
        tool = "llvm-tblgen" if backend == "-dump-json" else "mlir-tblgen"
        return self.run(tool, backend, *arguments, "-I", "include", "-I", self.include, td)

    def passes(self, phase):
        """The passes of a phase, run on a module that holds nothing and is for v3
        or a GPU."""
        with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
            file.write("""module attributes {
              kernel.target = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608,
                l2 = 41943040, gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
              } {""" + ("gpu.module @kernels {}" if phase == "nvvm" else "") + "}" if phase in ("gpu", "nvvm") else
                       """module attributes {
              kernel.target = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>,
              kernel.schedule = #kernel.schedule<"v3" element_block = 1, column_block = 1, row_block = 1, tasks = 1,
                                                 worth_tasks = 1, function_ops = 1, call_ops = 1>} {}""")
            file.flush()
            return self.run("rnn-opt", f"--rnnc-{phase}", "--dump-pass-pipeline", file.name)

    def after(self, phase, passes):
        """The IR of a phase of tiny.rnn after passes."""
        with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
            self.run("rnnc", TINY, f"--emit={phase}", "-march=x86-64-v3", "--chunk=off", "-o", file.name)
            return self.run("rnn-opt", file.name, *passes)

    def launches(self, function):
        """The launches of a function of gpu.rnn, from the manifest beside its PTX."""
        with tempfile.TemporaryDirectory() as folder:
            self.run("rnnc", GPU, "--target=nvptx64", "-o", os.path.join(folder, "gpu.ptx"))
            with open(os.path.join(folder, "gpu.json")) as file:
                functions = json.load(file)["launches"]
        return excerpts.listed(next(one for one in functions if one["symbol"] == function))

    def library(self):
        """The header of the library of tiny.rnn, and the names it exports."""
        if "library" not in self.kept:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "libtiny.so")
                self.run("rnnc", TINY, "-march=x86-64-v2", "-o", path)
                with open(os.path.join(folder, "libtiny.h")) as header:
                    text = header.read()
                names = self.run("llvm-nm", "-D", "--defined-only", "--format=just-symbols", path)
            self.kept["library"] = text, names
        return self.kept["library"]


def shown(words, tools):
    """The text that a `show` asks for, and the language it is in."""
    kind, rest = words[0], words[1:]
    if kind == "file":
        with open(os.path.join(ROOT, rest[0])) as file:
            return file.read(), os.path.splitext(rest[0])[1][1:]
    if kind == "emit" and rest[0] == "ast":
        return tools.run("rnnc", TINY, "--emit=ast"), ""
    if kind == "emit":
        text = tools.run("rnnc", TINY, f"--emit={rest[0]}", "-march=x86-64-v3", "--chunk=off")
        return excerpts.readable(text, *rest[1:]), "mlir"
    if kind == "opt":
        return excerpts.readable(tools.after(rest[0], rest[2:]), rest[1]), "mlir"
    if kind == "gpu":
        text = tools.run("rnnc", GPU, "--target=nvptx64", f"--emit={rest[0]}")
        return (text, "") if rest[0] == "ptx" else (excerpts.readable(text, *rest[1:]), "mlir")
    if kind == "launches":
        return tools.launches(rest[0]), "json"
    if kind == "passes":
        return excerpts.passes(tools.passes("=".join(rest))), ""
    if kind == "rnnc":
        return tools.run("rnnc", *rest), ""
    if kind == "message":
        return excerpts.message(os.path.join(ROOT, "test", "Frontend", "errors"), rest[0]), ""
    if kind == "header":
        return tools.library()[0], "c"
    if kind == "symbols":
        return tools.library()[1], ""
    sys.exit(f"make_pages.py: there is nothing called `{kind}` to show")


def spliced(text, path, tools, check):
    """The page with its generated parts as they are now."""

    def block(match):
        words, options = [], {}
        for word in shlex.split(match[2]):
            name, equals, value = word.partition("=")
            if word == "loose" or (equals and name in CUTS):
                options[name] = value
            else:
                words.append(word)
        content, language = shown(words, tools)
        content = excerpts.cut(content, options, f"{path}: show {match[2]}")
        if language == "mlir":
            content = excerpts.folded(content)
        if "loose" in options and check:
            return match[0]
        return f"{match[1]}```{language}\n{content.rstrip()}\n```\n{match[4]}"

    if text.count("<!-- show ") != len(BLOCK.findall(text)):
        sys.exit(f"make_pages.py: {path}: a `show` has no `end`")
    return BLOCK.sub(block, text)


def check_errors(tools):
    """docs/errors.md is written by hand and embedded in rnnc: the tool has to
    print its pages as they stand. They are one text in the tool: a few will do."""
    with open(os.path.join(DOCS, "errors.md")) as file:
        written = re.findall(r"^## (([EW]\d{3}): .*?)(?=^##? |\Z)", file.read(), re.S | re.M)
    for page, code in written[::20] + written[-1:]:
        page = re.sub(r"^(<!--|```).*\n", "", page, flags=re.M)
        if tools.run("rnnc", "explain", code).split() != page.split():
            sys.exit(f"make_pages.py: rnnc explain {code} is not what docs/errors.md says; build rnnc")


def pages(tools, check):
    """Every page that has generated parts: path and text."""
    yield from tablegen.pages(tools)
    for folder in (ROOT, DOCS, os.path.join(DOCS, "how-it-works")):
        for name in sorted(os.listdir(folder)):
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            if not name.endswith(".md"):
                continue
            with open(os.path.join(ROOT, path)) as file:
                text = file.read()
            if "<!-- show " in text:
                yield path, spliced(text, path, tools, check)


def main():
    parser = argparse.ArgumentParser(description="Brings the generated pages up to date.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="where rnnc and rnn-opt are")
    parser.add_argument("--llvm", default=os.path.dirname(shutil.which("mlir-tblgen") or
                                                          "/usr/lib/llvm-22/bin/mlir-tblgen"),
                        help="where mlir-tblgen, llvm-tblgen and llvm-nm are")
    options = parser.parse_args()
    stale = 0
    tools = Tools(options.bin, options.llvm)
    if options.check:
        check_errors(tools)
    for path, text in pages(tools, options.check):
        full = os.path.join(ROOT, path)
        old = open(full).read() if os.path.exists(full) else ""
        if old == text:
            continue
        stale += 1
        if options.check:
            sys.stdout.writelines(difflib.unified_diff(
                old.splitlines(True), text.splitlines(True), path, "what the tools say now"))
            continue
        with open(full, "w") as file:
            file.write(text)
        print(f"wrote {path}")
    if options.check and stale:
        sys.exit(f"{stale} pages are out of date; run docs/make_pages.py (ninja -C build rnnc-docs)")


if __name__ == "__main__":
    main()
