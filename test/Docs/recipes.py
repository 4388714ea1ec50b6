"""The page that tells how to change the compiler names what there is.

    recipes.py ROOT [PAGE]

Every word in backquotes of PAGE (docs/how-it-works/extending.md) is looked at: a
path has to exist, a file's name to be that of a file, a name of code to stand in the tree, an
`XOp` that begins an item of a list stands in the files that the item names, and in no other.
"""
import functools
import os
import re
import sys

root = sys.argv[1]
page = sys.argv[2] if len(sys.argv) > 2 else os.path.join(
    root, "docs", "how-it-works", "extending.md")

# Words that stand for what the reader puts there.
PLACEHOLDERS = {"YourOp", "YourRule", "D", "AToB"}
FOLDERS = ("cmake", "docs", "examples", "include", "lib", "test", "tools")


@functools.cache
def tree():
    """All files of the source tree, relative to its root."""
    found = []
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            if "__pycache__" not in folder:
                found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return found + [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name))]


@functools.cache
def words():
    """Every identifier of the sources."""
    found = set()
    for path in tree():
        if path.endswith((".cpp", ".h", ".td", ".txt", ".py", ".rnn", ".cfg", ".cmake")):
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
                found |= set(re.findall(r"\w+", file.read()))
    return found


def place(word, base):
    """What is wrong with a word that names a file or a folder."""
    path = os.path.normpath(os.path.join(base, word))
    if word.startswith("build"):  # made, not kept
        return None
    if os.path.exists(path):
        return None
    tail = word.rstrip("/")
    if "/" in tail:
        return None if any(p.startswith(tail + "/") or p == tail for p in tree()) else "no such path"
    return None if any(os.path.basename(p) == tail for p in tree()) else "no file has this name"


def check(word):
    """What is wrong with a word in backquotes, or None."""
    if re.search(r"\s", word) and not re.search(r"[(\"]", word):  # a command
        problems = [check(part) for part in word.split()
                    if re.fullmatch(r"[\w.-]+(/[\w.-]+)+|\w+\.(sh|py)", part.lstrip("./"))
                    and not part.startswith("/")]
        return next((p for p in problems if p), None)
    if re.fullmatch(r"(\./)?[\w.-]*(/[\w.-]*)+", word) or re.fullmatch(
            r"[\w-]+\.(cpp|h|td|py|sh|test|mlir|rnn|md|txt|cfg)", word):
        if any(part in PLACEHOLDERS for part in word.split("/")):
            return None
        if re.search(r"(^|/)(D|\w*AToB)$", word):
            return None
        return place(word, root)
    unknown = [name for name in re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", word))
               if name not in words() and name not in PLACEHOLDERS]
    return f"nothing is called `{unknown[0]}`" if unknown else None


def stands_in(op):
    """The files of the compiler that name an op, by its class or its definition."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", op.removesuffix("Op")).lower()
    pattern = re.compile(rf'\b{op}\b|\b(?:Scan|Kernel)_{op}\b|"scan\.{snake}"')
    found = set()
    for path in tree():
        if path.startswith(("include/", "lib/", "tools/")):
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
                if pattern.search(file.read()):
                    found.add(path)
    return found


def check_items(text):
    for op, item in re.findall(r"^- `(\w+Op)`(.*?)(?=^- |^$)", text, re.S | re.M):
        said = set(re.findall(r"`([^`]+/[^`]+)`", item))
        yield from (f"`{op}` also stands in {path}" for path in sorted(stands_in(op) - said))
        yield from (f"`{op}` does not stand in {path}" for path in sorted(said - stands_in(op)))


def main():
    with open(page, encoding="utf-8") as file:
        text = file.read()
    looked, wrong = 0, [f"{os.path.basename(page)}: {one}" for one in check_items(text)]
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.findall(r"`([^`]+)`", line):
            looked += 1
            if problem := check(word):
                wrong.append(f"{os.path.basename(page)}:{number}: `{word}`: {problem}")
    print("\n".join(wrong) or f"{looked} names, all there")
    sys.exit(bool(wrong))


main()
