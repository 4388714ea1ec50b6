#!/usr/bin/env python3
"""Makes a failing program small: shrink.py FILE [--out FILE]

FILE is one that programs.py wrote; its first line says how it is compiled. What is
left fails in the same way: the same kind of failure with the same message."""
import argparse
import pathlib
import re
import sys

import programs

OPENING, CLOSING = "([{", ")]}"
OPERATOR = re.compile(r" (?:\+\+|[-+*/@^<>]|[<>=!]=|>>|then|else|as) |: |, | ;|; ")


def closing(text, at):
    """The place of the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] in OPENING) - (text[i] in CLOSING)
        if depth == 0:
            return i
    return None


def parts(text):
    """The operands of what stands in a bracket."""
    found, depth, begin, i = [], 0, 0, 0
    while i < len(text):
        depth += (text[i] in OPENING) - (text[i] in CLOSING)
        operator = OPERATOR.match(text, i) if depth == 0 else None
        if operator:
            found.append(text[begin:i].strip())
            i = begin = operator.end()
        else:
            i += 1
    found.append(text[begin:].strip())
    return [re.sub(r"^if ", "", one) for one in found if one]


def smallerExpressions(text):
    """The text with one bracket, or one side of a statement, made less."""
    for at, letter in enumerate(text):
        end = closing(text, at) if letter == "(" else None
        if end is None:
            continue
        name = re.search(r"[\w.]*$", text[:at])
        begin = name.start() if name else at
        inside = text[at + 1:end]
        yield text[:begin] + "0.5" + text[end + 1:]
        for part in parts(inside):
            if part != text[begin:end + 1]:
                yield text[:begin] + part + text[end + 1:]
    for line in re.finditer(r"^( *(?:[\w']+ (?:=|~)|out|loss) )(.*)$", text, re.M):
        for part in ["0.5", *parts(line[2])]:
            if part != line[2]:
                yield text[:line.start(2)] + part + text[line.end(2):]


def blocks(lines):
    """First and last line of everything that stands at the top."""
    begin = None
    for i, line in enumerate(lines):
        if begin is None:
            begin = i
        if line == "}" or not (line.startswith(" ") or line.endswith("{")):
            yield begin, i
            begin = None


def without(lines, begin, end):
    return "\n".join(lines[:begin] + lines[end + 1:]) + "\n"


def candidates(text):
    """Smaller programs, the much smaller ones first; few are well-typed."""
    lines = text.rstrip("\n").split("\n")
    for begin, end in blocks(lines):
        yield without(lines, begin, end)
    for i, line in reversed(list(enumerate(lines))):
        if line.startswith("  "):
            yield without(lines, i, i)
    for clause in (r" backward", r" final \w+", r" from \{[^}\n]*\}", r", smooth = [\d.]+",
                   r", tied = \w+", r" frozen", r" ~ \w+\([^)\n]*\)", r"repeat\[\d+\] ",
                   r" >> [^\n,]*", r"[\w: .\[\],]* >> ", r", \w+ ?: [^,;()\n]*\[[^\]\n]*\][^,;()\n]*",
                   r", \w+ ?: [^,;()\[\n]*", r"\w+ ?: [^,;()\n]*, ", r", \w+\.\w+(?=\n|,)"):
        for match in re.finditer(clause, text):
            filler = " = 0.5" if clause.startswith(" ~") else ""
            yield text[:match.start()] + filler + text[match.end():]
    yield from smallerExpressions(text)
    for match in re.finditer(r"(?<=[ \[])\d+(?=[\n\],: ])", text):
        for n in range(1, min(int(match[0]), 4)):
            yield text[:match.start()] + str(n) + text[match.end():]
    for match in re.finditer(r"(?<=[\[ ,])\w+, | *, \w+(?=\])", text):  # one axis less
        yield text[:match.start()] + text[match.end():]


def shrunkOptions(text, words, fails):
    for k in range(len(words) - 1, -1, -1):
        if words[k].startswith("--seed"):
            continue
        fewer = words[:k] + words[k + 1:]
        if fails(text, fewer):
            words = fewer
    return words


def shrink(text, words, fails, most=4000):
    """The smallest program found that still fails."""
    words = shrunkOptions(text, words, fails)
    tried = {text}
    begin = 0  # goes on where the last one was found, once around
    while most > 0:
        everything = list(candidates(text))
        for k in range(len(everything)):
            other = everything[(begin + k) % len(everything)]
            if other in tried:
                continue
            tried.add(other)
            most -= 1
            if fails(other, words):
                text, begin = other, (begin + k) % len(everything)
                break
            if most <= 0:
                break
        else:
            break
    return text, words


def sameFailure(signature, check=programs.check):
    def fails(text, words):
        one = check(text, words)
        return one.failed and one.signature() == signature
    return fails


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--out", help="where the small program goes (default: standard output)")
    parser.add_argument("--most", type=int, default=4000, help="programs that are tried")
    args = parser.parse_args()
    one, text, words = programs.repeat(args.file)
    if not one.failed:
        sys.exit(f"{args.file} does not fail")
    text = text.split("\n", 1)[1] if text.startswith(programs.HEAD) else text
    small, words = shrink(text, words, sameFailure(one.signature()), args.most)
    whole = programs.HEAD + " ".join(words) + "\n" + small
    if args.out:
        pathlib.Path(args.out).write_text(whole)
    else:
        print(whole, end="")
    print(f"{one.kind}: {len(text)} characters made {len(small)}", file=sys.stderr)


if __name__ == "__main__":
    main()
