"""Readable excerpts of what the tools print, for make_pages.py."""
import json
import os
import re
import sys

WIDTH = 118


def readable(text, function=None):
    """IR without what distracts: what the model offers, attributes of functions
    and arguments, index maps. Arguments get the names that they have in the source."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        line = without_interface(line)
        line = re.sub(r"attributes \{axes = .*\} \{$", "attributes {...} {", line)
        line = re.sub(r"indexing_maps = \[[^]]*\]", "indexing_maps = [...]", line)
        lines.append(re.sub(r"(?<=\S) {2,}", " ", line))
    if function:
        lines = named(body(lines, function))
    return "\n".join(plain(line) for line in lines) + "\n"


def without_interface(line):
    """The line of a module without `rnnc.interface`."""
    start = line.find("rnnc.interface = ")
    if start < 0:
        return line
    end, depth = line.index("<", start), 0
    while True:
        depth += {"<": 1, ">": -1}.get(line[end], 0)
        end += 1
        if not depth:
            return line[:start] + re.sub(r"^, ", "", line[end:])


def plain(line):
    """A signature without attributes."""
    if not re.match(r"\s*(func|llvm)\.func ", line):
        return line
    line = re.sub(r" attributes \{[^{}]*\}", "", line)
    return re.sub(r" \{(rnnc|llvm)\.[^{}]*\}", "", line)


def named(lines):
    """A function whose arguments are called as in the source."""
    names = dict(re.findall(r'(%arg\d+): [^{,]*? \{rnnc\.slot = #rnnc\.slot<\w+ "([^"]*)"', lines[0]))
    seen = set()
    for argument, name in names.items():
        if name in seen:  # what an update reads and what it writes
            names[argument] = name + ".new"
        seen.add(names[argument])
    return [re.sub(r"%arg\d+", lambda match: "%" + names[match[0]] if match[0] in names
                   else match[0], line) for line in lines]


def body(lines, function):
    """The lines of one function, moved to the left."""
    name = re.compile(r"\s*(func|llvm)\.func (private )?@" + re.escape(function) + r"\(")
    first = next((i for i, line in enumerate(lines) if name.match(line)), None)
    if first is None:
        sys.exit(f"make_pages.py: there is no function {function}")
    indent = lines[first][:len(lines[first]) - len(lines[first].lstrip())]
    last = next(i for i in range(first, len(lines)) if lines[i] == indent + "}")
    return [line[len(indent):] for line in lines[first:last + 1]]


CLAUSE = re.compile(r" (?=(?:lengths|slices|carry|stack|ins|outs|init|states|iterator_types)\b)"
                    r"| (?=: |-> )|(?<=,) (?=[%!(\w])")


def folded(text):
    """IR in lines of at most WIDTH columns."""
    return "\n".join(part for line in text.split("\n") for part in folded_line(line))


def folded_line(line):
    """One line as several, broken where a clause begins."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    while len(line) > WIDTH:
        places = [match.start() for match in CLAUSE.finditer(line)
                  if len(indent) < match.start() <= WIDTH]
        if not places:
            break
        outermost = min(depth(line, place) for place in places)
        place = [place for place in places if depth(line, place) == outermost][-1]
        yield line[:place]
        line = indent + line[place + 1:]
    yield line


def depth(line, place):
    """How many brackets are open there."""
    before = line[:place].replace("->", "")
    return sum(before.count(c) for c in "([{<") - sum(before.count(c) for c in ")]}>")


def cut(text, options, where):
    """The lines from the first that matches `from` (or `before` lines earlier)
    to the next that matches `to`, without those that match `drop`, moved to
    the left."""
    lines = text.rstrip("\n").split("\n")

    def find(option, start):
        pattern = re.compile(options[option])
        for i in range(start, len(lines)):
            if pattern.search(lines[i]):
                return i
        sys.exit(f"make_pages.py: {where}: nothing matches {option}={options[option]}")

    first, last = 0, len(lines) - 1
    if "from" in options:
        first = find("from", 0)
    if "to" in options:
        last = find("to", first)
    if "until" in options:
        last = find("until", first) - 1
    first -= int(options.get("before", 0))
    kept = [line for line in lines[first:last + 1]
            if "drop" not in options or not re.search(options["drop"], line)]
    indent = min(len(line) - len(line.lstrip()) for line in kept if line)
    return "\n".join(line[indent:] for line in kept)


def listed(value, indent=""):
    """JSON whose innermost lists and objects stand on one line."""
    flat = json.dumps(value)
    if len(indent) + len(flat) <= WIDTH - 2:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {listed(part, inner)}" for key, part in value.items()]
    else:
        parts = [listed(part, inner) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(inner + part for part in parts) + "\n" + indent + closing


OWN = re.compile(r"scan-|grad-|kernel-|rnnc-|gpu-(collect|keep)-|convert-(rnn|scan|kernel)s?-")


def passes(text):
    """One pass a line, with the options that this project's passes have."""
    found = []
    for match in re.finditer(r"^\s+([a-z0-9-]+)(?:\{\s*([^{}]*)\})?,?$", text, re.M):
        words = [word for word in (match[2] or "").split() if not word.endswith("=")]
        if words and OWN.match(match[1]):
            found.append(f"{match[1]}{{{' '.join(words)}}}")
        else:
            found.append(match[1])
    if not found:
        sys.exit("make_pages.py: no passes in\n" + text)
    return "\n".join(found) + "\n"


def message(folder, code):
    """The first message with this code that its test expects, to the letter."""
    with open(os.path.join(folder, code + ".test")) as file:
        expected = re.search(r"^#--- expected\S*\n(.*?)(?=^#---|\Z)", file.read(), re.S | re.M)
    messages = expected[1].split("\n\n") if expected else []
    for text in messages:
        if re.match(rf"\s*(error|warning)\[{code}\]", text):
            return text.strip("\n") + "\n"
    sys.exit(f"make_pages.py: {code}.test expects no message with this code")
