"""edges.py LANGUAGE.md FOLDER: the table of edges in the documentation holds.

Of the interpreter, and of compiled code in f64 and f32, with its gradients.
"""
import math
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Driver"))
import npz  # noqa: E402

TINY = {"f64": 2.3e-308, "f32": 1.2e-38}


def rows_of(page):
    """[(function, arguments, value, derivatives)]"""
    with open(page) as file:
        part = file.read().split("### At the edges")[1].split("\n## ")[0]
    rows = []
    for line in part.splitlines():
        cells = re.findall(r"`([^`]*)`", line)
        if line.startswith("| `") and len(cells) == 4:
            function, *numbers = cells
            at, value, slope = ([float(n) for n in cell.split(",")] for cell in numbers)
            rows.append((function, at, value[0], slope))
    return rows


def kind_of(function):
    if re.search(r"\bv\b", function):
        return "v"
    return "ab" if re.search(r"\bb\b", function) else "x"


def layer(number, function, count):
    kind, n = kind_of(function), f"N{number}"
    takes = {"x": f"x: [{n}]", "ab": f"a: [{n}], b: [{n}]", "v": f"w: [{n}, K]"}[kind]
    body = re.sub(r"\bv\b", "w[i]", function)
    value = f"for i in {n}: {body}" if kind == "v" else function
    return (f"dim {n} = {count}\nlayer f{number}[{n}]({takes}) -> [{n}] {{\n  out {value}\n}}\n"
            f"export f{number}[{n}].vjp\n")


def call(command, folder, name):
    out = os.path.join(folder, name)
    subprocess.run([*command, "--out", out], check=True, stdout=subprocess.DEVNULL)
    return {key: value for key, (_, value) in npz.read_flat(out).items()}


def same(got, wanted, tolerance, tiny, signed):
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    if wanted == got or abs(wanted) <= tiny and abs(got) <= tiny:
        return not signed or wanted != 0 or math.copysign(1, got) == math.copysign(1, wanted)
    return abs(got - wanted) <= tolerance * abs(wanted)


def main(page, folder):
    os.makedirs(folder, exist_ok=True)
    rows = rows_of(page)
    functions = list(dict.fromkeys(row[0] for row in rows))
    if len(rows) < 60:
        sys.exit(f"only {len(rows)} lines found in {page}")
    points = [[row for row in rows if row[0] == function] for function in functions]
    source = os.path.join(folder, "edges.rnn")
    with open(source, "w") as file:
        file.write("dim K = 2\n")
        for number, function in enumerate(functions):
            file.write(layer(number, function, len(points[number])))
    # One library for each precision; the interpreter reads the source.
    libraries = {}
    for precision in ("f64", "f32"):
        libraries[precision] = os.path.join(folder, f"libedges{precision}.so")
        subprocess.run(["rnnc", source, "--precision", precision, "-o", libraries[precision]],
                       check=True)
    wrong = 0
    for number, function in enumerate(functions):
        mine, kind = points[number], kind_of(function)
        columns = list(zip(*(row[1] for row in mine)))
        if kind == "v":
            inputs = {"w": [list(row[1]) for row in mine]}
        else:
            inputs = {name: list(column) for name, column in zip(kind, columns)}
        # A batch of one.
        given = {name: [value] for name, value in inputs.items()}
        given["cot.out"] = [[1.0] * len(mine)]
        file = os.path.join(folder, f"in{number}.npz")
        npz.write(file, given)
        del given["cot.out"]
        npz.write(os.path.join(folder, f"in{number}forward.npz"), given)
        name = f"f{number}.vjp"
        runs = {"interpreter": (["rnnc", "run", source, f"f{number}.forward", "--reference"], 1e-12, 0)}
        for precision, library in libraries.items():
            runs[precision] = (["rnnc", "run", library, name],
                               1e-12 if precision == "f64" else 1e-6, TINY[precision])
        for who, (command, tolerance, tiny) in runs.items():
            # A slope such as exp(x - y) has lost what its large arguments have.
            size = max([1.0] + [abs(n) for row in mine for n in row[1] if math.isfinite(n)])
            tolerance *= size
            data = os.path.join(folder, f"in{number}{'forward' if who == 'interpreter' else ''}.npz")
            try:
                got = call([*command, "--in", data], folder, f"{who}{number}.npz")
            except subprocess.CalledProcessError:
                wrong += 1
                print(f"{function}: {who} does not run")
                continue
            for i, (_, at, value, slopes) in enumerate(mine):
                where = f"{function} at {at}, {who}"
                if not same(got["out"][i], value, tolerance, tiny, signed=True):
                    wrong += 1
                    print(f"{where}: {got['out'][i]}, not {value}")
                if who == "interpreter":
                    continue
                if kind == "v":
                    slopes_got = got["grad.w"][2 * i:2 * i + 2]
                else:
                    slopes_got = [got[f"grad.{letter}"][i] for letter in kind]
                for letter, (mine_is, wanted) in enumerate(zip(slopes_got, slopes)):
                    if not same(mine_is, wanted, tolerance, tiny, signed=False):
                        wrong += 1
                        print(f"{where}: derivative {letter} is {mine_is}, not {wanted}")
    print(f"{len(rows)} lines, {wrong} wrong")
    sys.exit(wrong != 0)


main(*sys.argv[1:])
