"""The phases of a module without its names: canonical.py MODULE.mlir FUNCTION

Prints what is computed in the time loops of the function @*.FUNCTION, and the products outside
of them. What a program may choose is gone: names of values, the order of states (they come in
the order in which a step reads them), the order of gates (the sums of a phase come in the order
in which it reads them, and the columns of its matrix with them). Views, sizes and empty tensors
are left out: they are where a value lies, not what is computed.
"""
import itertools
import re
import sys

path, function = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    lines = file.read().splitlines()

starts = [i for i, line in enumerate(lines) if re.match(rf"  func\.func @[\w.]*\.{function}\(", line)]
if len(starts) != 1:
    sys.exit(f"{path}: {len(starts)} functions are called *.{function}")
end = next(i for i in range(starts[0], len(lines)) if lines[i] == "  }")
body = lines[starts[0] + 1:end]
# What stands for longer text; the name of a phase begins with that of its module.
aliases = dict(re.findall(r"^(#\w+) = (.*)$", "\n".join(lines), re.M))
body = [re.sub(r'kernel\.name = "[^"]*/', 'kernel.name = "', line) for line in body]

VIEW = re.compile(r"\s*(%\w+) = (tensor\.(extract_slice|insert_slice|empty|dim)|arith\.constant|scan\.broadcast)")


DEFINITION = re.compile(r"\s*(%\w+)(?::\d+)? = ")
numbers = itertools.count()


def spelled(text):
    """The text with what its aliases stand for."""
    return re.sub(r"#\w+", lambda match: aliases.get(match.group(), match.group()), text)


def rename(text, names):
    """The text with its values numbered in the order in which they appear."""
    def number(match):
        if match.group() not in names:
            names[match.group()] = f"%{next(numbers)}"
        return names[match.group()]
    return re.sub(r"%\w+(?:#\d+)?", number, text)


def split(text):
    return [part.strip() for part in text.split(",")]


def phase(header, region):
    """A phase: its sums, and their columns, in the order in which it reads them."""
    head = re.match(r"(\s*\^bb0)\((.*)\):", region[0])
    arguments = [a.split(":")[0].strip() for a in split(head.group(2))]
    code = "\n".join(region[1:])
    columns = re.search(r"columns\(\[(.*?)\]\) maps", header)
    if columns:
        groups = [split(g) for g in re.findall(r"array<i64: ([\d, ]+)>", columns.group(1))]
        used = re.findall(r"%\w+", code)
        begin, order = 0, []
        for group in groups:
            sums = arguments[begin:begin + len(group)]
            places = sorted(range(len(group)), key=lambda k: used.index(sums[k]))
            order += [sums[k] for k in places]
            begin += len(group)
        arguments[:begin] = order
        # What is left of the columns is how wide a gate is.
        header = header.replace(columns.group(0),
                                "columns([" + ", ".join(f"{len(g)} sums" for g in groups) + "]) maps")
    names = {a: f"%a{k}" for k, a in enumerate(arguments)}
    for line in region[1:]:
        if match := DEFINITION.match(line):
            names[match.group(1)] = f"%v{len(names)}"
    return header, rename(code, names)


def closing(block, i):
    """The line that ends what line i begins."""
    indent = len(block[i]) - len(block[i].lstrip())
    return next(k for k in range(i + 1, len(block)) if block[k].startswith(" " * indent + "}"))


def inner(block):
    """The same with the loops in it in order."""
    out, i = [], 0
    while i < len(block):
        out.append(block[i])
        if "scan.loop" in block[i] and block[i].rstrip().endswith("{"):
            close = closing(block, i)
            out[-1], inside = loop(block[i], block[i + 1:close])
            out += inside
            i = close - 1
        i += 1
    return out


def loop(header, inside):
    """The header and the yield of a loop with its carries in the order of their first use."""
    inside = inner(inside)
    text = "\n".join(inside)
    listed = re.search(r" carry\((.*?)\) step", header)
    carries = re.findall(r"(%\w+) = (%[\w#]+) : (tensor<[^>]*>)", listed.group(1)) if listed else []
    uses = re.findall(r"%\w+", text)
    order = sorted(range(len(carries)), key=lambda k: uses.index(carries[k][0])
                   if carries[k][0] in uses else len(uses))
    if carries:
        header = header.replace(listed.group(0), " carry(" + ", ".join(
            "{} = {} : {}".format(*carries[k]) for k in order) + ") step")
    last = inside[-1]
    given = re.search(r"carry\((.*?) : ", last)
    if given:
        values = split(given.group(1))
        inside = inside[:-1] + [last.replace(given.group(1), ", ".join(values[k] for k in order))]
    return header, inside


def walk(block, depth, names, out, in_loop):
    i = 0
    while i < len(block):
        line = block[i]
        if line.rstrip().endswith("{"):
            close = closing(block, i)
            inside = block[i + 1:close]
            if "scan.loop" in line:
                header, inside = loop(line, inside)
                scope = dict(names)
                out.append("  " * depth + rename(header.strip(), scope))
                walk(inside, depth + 1, scope, out, True)
                out.append("  " * depth + "}")
                # What the loop calls its own may be called so elsewhere.
                own = set(re.findall(r"(%\w+) = ", header.split(" scan.loop ", 1)[1]))
                own |= {m.group(1) for m in map(DEFINITION.match, inside) if m}
                own |= set(re.findall(r"step\((%\w+)\)", header))
                names.update((name, number) for name, number in scope.items()
                             if name.split("#")[0] not in own)
            elif in_loop:
                header, code = phase(line, inside)
                out.append("  " * depth + rename(header.strip(), names))
                out.extend("  " * depth + "  " + text.strip() for text in code.splitlines())
                out.append("  " * depth + "}")
            i = close
        elif VIEW.match(line):
            pass
        elif in_loop or "scan.dot" in line:
            out.append("  " * depth + rename(line.strip(), names))
        i += 1


out = []
walk(body, 0, {}, out, False)
print("\n".join(map(spelled, out)))
