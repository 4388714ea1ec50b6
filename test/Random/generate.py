"""Random well-typed programs: `program(seed, tag)` gives the text of one and what is
in it. Programs of different tags can stand in one file."""
import collections
import random
import re

from expressions import *
from syntax import *

STD_CELLS = {"rnn_tanh": 1, "rnn_relu": 1, "indrnn": 1, "gru": 3, "lstm": 3, "minimal_gru": 1}
STD_STATES = {"lstm": ("h", "c")}


class Generator(Expressions):
    # Weights of the ways to make a number.
    productions = ([Expressions.leaf, Expressions.unary, Expressions.binary, Expressions.clamp,
                    Expressions.choice, Expressions.match, Expressions.loop,
                    Expressions.reduction, Expressions.softmaxLoop, Expressions.lastAxis,
                    Expressions.firstAxis, Expressions.oneHot, Expressions.lookup,
                    Expressions.around, Expressions.renamed, Expressions.join,
                    Expressions.part, Expressions.column, Expressions.list],
                   [3, 10, 12, 1, 5, 7, 6, 11, 8, 6, 9, 6, 7, 4, 5, 8, 4, 4, 5])

    def __init__(self, seed, tag):
        self.seed = seed
        self.rng = random.Random(seed)
        self.hasInner = random.Random(f"{seed} inner").random() < 0.15
        self.met = collections.Counter()
        self.tag = tag
        self.items = []
        self.cells = []
        self.names = collections.Counter()
        self.usesStd = False
        self.keepsStates = False

    def top(self, stem):
        self.names[stem] += 1
        return f"{stem}{self.names[stem]}{self.tag}"

    # Axes.

    def makeAxes(self):
        """The fixed axes of a program: dims, numbers, labels, a sum."""
        axes = []
        for _ in range(self.rng.randint(1, 2)):
            size = self.rng.choice((1, 2, 2, 3, 3, 4, 5))
            name = self.top("D")
            self.items.append(f"dim {name} = {size}\n")
            axes.append(Axis(name, size))
            self.note("dim")
        axes.append(literal(self.rng.randint(1, 4)))
        if self.rng.random() < 0.35:
            size = self.rng.randint(2, 3)
            name = self.top("g")
            labels = tuple(f"{name}_{k}" for k in "abc"[:size])
            self.items.append(f"axis {name} = {{{', '.join(labels)}}}\n")
            axes.append(Axis(name, size, labels))
            self.note("labelled axis")
        if self.rng.random() < 0.3:
            axes.append(joined(axes[0], axes[-1] if not axes[-1].labels else axes[1]))
            self.note("sum of axes")
        return axes

    def someAxes(self, scope, most=2, times=True, mostTimes=2):
        """The axes of a value."""
        pool = scope.axes + (scope.times * 3 if times else [])
        while True:
            axes = tuple(self.rng.choice(pool) for _ in range(self.rng.randint(0, most)))
            if count(axes) <= 36 and sum(a.isTime for a in axes) <= mostTimes:
                return axes

    # Functions and layers.

    def makeFunction(self, axes):
        scope = Scope(Block("fn"), axes, [])
        inputs = [Type(self.someAxes(scope)) for _ in range(self.rng.randint(1, 2))]
        out = self.someAxes(scope)
        for k, type in enumerate(inputs):
            scope.values.append(Value(f"x{k}", type))
        self.defines(scope, 1)
        value = self.limited(self.real(out, scope, 2), 4)
        name = self.top("f")
        args = ", ".join(f"x{k}: {t}" for k, t in enumerate(inputs))
        self.items.append(f"fn {name}({args}) -> {Type(out)} {{\n{scope.block.text()}"
                          f"  out {value.text}\n}}\n")
        self.note("fn")
        return Signature(name, "fn", inputs, Type(out), bound=4)

    def applied(self, axes, scope, depth):
        """A call of a function or a layer; a layer may map over the first axes."""
        if scope.block.kind == "fn":
            return None
        found = [s for s in self.functions if s.out.axes == axes]
        if found and self.rng.random() < 0.7:
            f = self.rng.choice(found)
            self.note("call of a function")
            given = ", ".join(self.limited(self.real(t.axes, scope, depth - 1), 3).text
                              for t in f.inputs)
            return Value(f"{f.name}({given})", Type(axes), f.bound)
        if not axes or axes[-1].isTime or scope.block.params > 5:
            return None
        inner = self.rng.choice(scope.axes)
        self.usesStd = True
        self.note("layer" if len(axes) == 1 else "layer mapped")
        name = scope.block.fresh("d")
        scope.block.params += 2
        kind = self.rng.choice(("dense", "dense", "norm" if inner == axes[-1] else "dense"))
        sizes = f"[{inner.text}, {axes[-1].text}]" if kind == "dense" else f"[{axes[-1].text}]"
        scope.block.head.append(f"use {name} = {kind}{sizes}")
        x = self.limited(self.real(axes[:-1] + (inner,), scope, depth - 1), 4)
        return Value(f"{name}({x.text})", Type(axes), 0.9 * x.bound * inner.size + 1)

    productions[0].append(applied)
    productions[1].append(7)

    # Cells.

    def makeCell(self, inputs, out, axes, constants=(), depth=1, drawn=None):
        """A cell of this interface; one that draws values of the type `drawn`."""
        rng = self.rng
        times = {a.text: a for t in [*inputs, *constants] for a in t.axes if a.isTime}
        scope = Scope(Block("cell"), axes, times.values())
        block = scope.block
        for k, type in enumerate(inputs):
            scope.values.append(Value(f"x{k}", type))
        for k, type in enumerate(constants):
            scope.values.append(Value(f"k{k}", type))
        states = self.makeStates(scope, out, constants)
        kept = self.makeKept(scope) if rng.random() < 0.2 else None
        if depth > 0 and rng.random() < 0.18:
            states.update(self.stepInner(scope, depth))
        self.defines(scope, rng.choice((0, 0, 1)))
        own = [s for s in states if "." not in s]
        rng.shuffle(own)
        for state in own:
            block.lines.append(f"{state}' = {self.next(state, states[state], scope)}")
            scope.values.append(Value(f"{state}'", Type(states[state]), 3))
        if kept:
            block.lines.append(f"{kept.text}' = {self.nextKept(kept, scope)}")
        if drawn:
            given = self.observation(drawn, scope)
            shown = drawn.axes + ((drawn.index,) if drawn.index else ())
            result = f"{given.split('(')[0]}{Type(shown)}"
        else:
            given = self.limited(self.result(out, scope, rng.choice((0, 1, 1, 2))), 4).text
            result = Type(out)
        name = self.top("c")
        args = ", ".join(f"x{k}: {t}" for k, t in enumerate(inputs))
        if constants:
            args += "; " + ", ".join(f"k{k}: {t}" for k, t in enumerate(constants))
            self.note("constants of a cell")
        generics = f"[{', '.join('time ' + t for t in times)}]" if times else ""
        self.items.append(f"cell {name}{generics}({args}) -> {result} {{\n{block.text()}"
                          f"  out {given}\n}}\n")
        self.note(f"cell with {len(own)} states")
        return Signature(name, "cell", list(inputs), Type(out), list(constants), states, 4,
                         constantNames=[f"k{k}" for k in range(len(constants))])

    def makeStates(self, scope, out, constants):
        rng, states = self.rng, {}
        for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3))):
            name = scope.block.fresh("h")
            axes = out if rng.random() < 0.5 else self.someAxes(scope, times=False)
            if any(a.isTime for a in axes):
                axes = ()
            what = rng.random()
            first = "0"
            if what < 0.2:
                first = rng.choice(("0.5", "1"))
            elif what < 0.4:
                param = self.parameter(axes, scope)
                first = param.text if param else "0"
                self.note("learned first state")
            elif what < 0.55 and constants:
                fitting = [v for v in scope.values if v.text[0] == "k" and
                           v.type.kind == "real" and isSuffix(v.type.axes, axes)]
                if fitting:
                    first = f"tanh({rng.choice(fitting).text})"
                    self.note("first state of a constant")
            scope.block.head.append(f"state {name} : {Type(axes)} = {first}")
            scope.values.append(Value(name, Type(axes), 3))
            states[name] = axes
            self.note(f"state of rank {len(axes)}")
        return states

    def makeKept(self, scope):
        """A state that is no real number."""
        rng = self.rng
        fixed = [a for a in scope.axes if not a.isTime and not a.labels and a.size]
        axes = (rng.choice(fixed),) if fixed and rng.random() < 0.4 else ()
        kind = rng.choice(("bit", "int", "index") if fixed else ("bit", "int"))
        type = Type(axes, kind, rng.choice(fixed)) if kind == "index" else Type(axes, kind)
        first = rng.randrange(type.index.size) if kind == "index" else rng.choice((0, 1))
        value = Value(scope.block.fresh("q"), type, 4)
        scope.block.head.append(f"state {value.text} : {type} = {first}")
        scope.values.append(value)
        self.note(f"state of {kind}")
        return value

    def nextKept(self, kept, scope):
        type = kept.type
        if type.kind == "bit":
            return self.bit(type.axes, scope, 1)
        if type.kind == "index":
            return self.index(type.axes, type.index, scope, 1) or kept.text
        return self.limited(self.real(type.axes, scope, 1), 3).text

    def next(self, state, axes, scope):
        """The next value of a state, in bounds; mostly of the state before."""
        rng = self.rng
        x = self.result(axes, scope, rng.choice((1, 1, 2)))
        what = rng.random()
        if what < 0.2:
            return f"0.6 * {state} + 0.4 * {self.limited(x, 1).text}"
        if what < 0.3 and len(axes) == 1:
            u = self.parameter(axes + axes, scope)
            if u:
                return f"tanh({u.text} @ {state} + {x.text})"
        if what < 0.5:
            z = self.limited(self.real(axes, scope, 1), 4)
            return f"sigmoid({z.text}) * {state} + (1 - sigmoid({z.text})) * {self.limited(x, 1).text}"
        return self.limited(x, 1.5).text

    def stepInner(self, scope, depth):
        """An inner cell, stepped once; its states."""
        axes = self.someAxes(scope, times=False)
        out = self.someAxes(scope, times=False)
        cell = self.cellOf([Type(axes)], out, scope, depth - 1)
        name = scope.block.fresh("n")
        scope.block.head.append(f"use {name} = {cell.name}{cell.sizes}")
        before = [f"{name}.{path}" for path in cell.states]
        for path in before:
            scope.values.append(Value(path, Type(cell.states[path[len(name) + 1:]]), 3))
        x = self.limited(self.real(axes, scope, 1), 3)
        y = scope.block.fresh("y")
        scope.block.lines.append(f"{y} = {name}({x.text})")
        scope.values.append(Value(y, Type(out), cell.bound))
        self.note("inner cell")
        return {path: cell.states[path[len(name) + 1:]] for path in before}

    def cellOf(self, inputs, out, scope, depth=1, constants=()):
        """A cell of the standard library, or one of our own, perhaps one that is
        there already."""
        rng = self.rng
        if (len(inputs) == 1 and inputs[0].kind == "real" and len(inputs[0].axes) == 1 and
                not inputs[0].axes[0].isTime and
                len(out) == 1 and not constants and rng.random() < 0.6):
            name = rng.choices(list(STD_CELLS), STD_CELLS.values())[0]
            self.usesStd = True
            self.note("std cell")
            if inputs[0].axes == out and rng.random() < 0.2:
                self.note("cell as a parameter")
                around, size = rng.choice(("residual", "highway")), out[0].text
                return Signature(f"{around}[{name}[{size}, {size}]]", "cell", list(inputs), Type(out),
                                 states={f"inner.{s}": out for s in STD_STATES.get(name, ("h",))},
                                 sizes="", bound=6)
            return Signature(name, "cell", list(inputs), Type(out),
                             states={s: out for s in STD_STATES.get(name, ("h",))},
                             sizes=f"[{inputs[0].axes[0].text}, {out[0].text}]", bound=3)
        fitting = [c for c in self.cells if c.inputs == list(inputs) and c.out.axes == out and
                   c.constants == list(constants)]
        if fitting and rng.random() < 0.6:
            self.note("cell used twice")
            return rng.choice(fitting)
        cell = self.makeCell(inputs, out, [a for a in scope.axes], constants, depth)
        self.cells.append(cell)
        return cell

    def chain(self, inputs, out, scope):
        """`a: c1 >> c2`, `repeat[n] c`: text, states, bound."""
        rng = self.rng
        if len(inputs) == 1 and inputs[0] == Type(out) and rng.random() < 0.7:
            cell = self.cellOf(inputs, out, scope)
            n = rng.choice((1, 2, 3))
            self.note("repeat")
            states = {f"{k}.{path}": axes for k in range(n) for path, axes in cell.states.items()}
            return f"repeat[{n}] {cell.name}{cell.sizes}", states if n > 1 else None, cell.bound
        middle = self.someAxes(scope, times=False)
        first = self.cellOf(inputs, middle, scope)
        second = self.cellOf([Type(middle)], out, scope)
        names = rng.random() < 0.5
        links = [first.name + first.sizes, second.name + second.sizes]
        if rng.random() < 0.2 and len(middle) == 1:
            self.usesStd = True
            links.insert(1, f"drop[{middle[0].text}, 0.2]")
            self.note("layer in a chain")
        stages = ["a", "b"] if names else ["0", str(len(links) - 1)]
        if names:
            links[0], links[-1] = "a: " + links[0], "b: " + links[-1]
        self.note("chain")
        states = {f"{stage}.{path}": axes for stage, cell in zip(stages, (first, second))
                  for path, axes in cell.states.items()}
        return " >> ".join(links), states if names else None, second.bound

    # Recurrences.

    def recurrence(self, scope):
        """A statement that scans or folds, and what can be read after it."""
        rng, block = self.rng, scope.block
        axes = scope.times * 5 + [a for a in scope.axes if not a.parts]
        if block.kind == "cell":
            axes = [a for a in scope.axes if not a.parts] + scope.times
        t = rng.choice(axes)
        inputs = [self.sequence(t, scope) for _ in range(rng.choice((1, 1, 1, 2)))]
        out = self.someAxes(scope, times=False)
        types = [Type(v.type.axes[1:], v.type.kind, v.type.index) for v in inputs]
        constants, given = self.constantsFor(scope)
        if len(types) == 1 and types[0].kind == "real" and rng.random() < 0.3 and not any(
                a.isTime for a in types[0].axes):
            out = types[0].axes  # a cell that can be repeated
        again = [(n, c) for n, c in block.instances if c.inputs == types]
        states = None
        if again and rng.random() < 0.4:
            name, cell = rng.choice(again)
            out, states, bound = cell.out.axes, cell.states, cell.bound
            constants, given = (), ""
            self.note("instance used twice")
        elif rng.random() < 0.3 and not constants and all(x.kind == "real" for x in types):
            text, states, bound = self.chain(types, out, scope)
            name = block.fresh("r")
            block.head.append(f"use {name} = {text}")
        else:
            cell = self.cellOf(types, out, scope, 1, constants)
            name = block.fresh("r")
            block.head.append(f"use {name} = {cell.name}{cell.sizes}")
            states, bound = cell.states, cell.bound
            if not constants:
                block.instances.append((name, cell))
        block.params += 2
        self.run(t, name, inputs, out, states, bound, given, scope)

    def unfold(self, output, type, scope):
        """An output whose elements are drawn one after the other, or nothing."""
        rng, block = self.rng, scope.block
        if not type.axes or (type.kind != "index" and len(type.axes) < 2) or any(
                a.isTime for a in type.axes[1:]):
            return None
        t, drawn = type.axes[0], Type(type.axes[1:], type.kind, type.index)
        over = [self.sequence(t, scope) for _ in range(rng.choice((0, 1, 1, 2)))]
        constants, given = self.constantsFor(scope, 0.5)
        inputs = [drawn] + [Type(v.type.axes[1:], v.type.kind, v.type.index) for v in over]
        shape = drawn.axes + ((drawn.index,) if drawn.index else ())
        cell = self.makeCell(inputs, shape, scope.axes, constants, 1, drawn)
        name = block.fresh("r")
        block.head.append(f"use {name} = {cell.name}")
        text = f"unfold {name}{given}"
        if over:
            text += f" over ({', '.join(v.text for v in over)})" if len(over) > 1 \
                else f" over {over[0].text}"
            self.note("unfold over")
        if given:
            self.note("unfold with constants")
        if cell.states and rng.random() < 0.7:
            path = rng.choice(list(cell.states))
            first = self.limited(self.real(cell.states[path], scope, 1), 2)
            text += f" from {{{path}: {first.text}}}"
            self.note("unfold from")
        text += f" start {self.start(drawn, scope)}"
        if type.kind == "index" and rng.random() < 0.5:
            text += f" stop {rng.randrange(type.index.size)}"
        self.unfolds += 1
        self.keepsStates |= bool(cell.states)
        self.note(f"unfold of {type.kind}")
        if cell.states and rng.random() < 0.3:
            final = block.fresh("s")
            text += f" final {final}"
            self.note("unfold final")
            block.lines.append(f"{output} ~ {text}")
            for path, axes in cell.states.items():
                scope.values.append(Value(f"{final}.{path}", Type(axes), 3))
        else:
            block.lines.append(f"{output} ~ {text}")
        block.params += 2
        return text

    def start(self, drawn, scope):
        """What an unfold reads first."""
        rng = self.rng
        if drawn.kind == "bit":
            return rng.randrange(2)
        if drawn.kind == "index":
            found = [v for v in scope.values if len(v.type.axes) == 1 and v.type.kind == "index"
                     and v.type.index == drawn.index]
            if found and rng.random() < 0.5:
                self.note("unfold from a symbol of the data")
                return f"{rng.choice(('first', 'last'))}({rng.choice(found).text})"
            return rng.randrange(drawn.index.size)
        if rng.random() < 0.4:
            return rng.choice(("0", "0.5"))
        return self.limited(self.real(drawn.axes, scope, 1), 2).text

    def sequence(self, t, scope):
        """What a cell can run over."""
        found = [v for v in scope.values if v.type.axes[:1] == (t,)]
        if found and self.rng.random() < 0.7:
            return self.rng.choice(found)
        axes = (t,) + self.someAxes(scope, 1, times=False)
        return self.limited(self.real(axes, scope, 1), 3)

    def constantsFor(self, scope, often=0.25):
        """What is given to a cell after `;`: types and the text of the call."""
        if self.rng.random() > often:
            return (), ""
        values = [v for v in scope.values if v.type.kind == "real" and "'" not in v.text and
                  sum(a.isTime for a in v.type.axes) <= 1]
        if not values:
            return (), ""
        v = self.rng.choice(values)
        if any(a.isTime for a in v.type.axes):
            self.note("sequence as a constant")
        return (v.type,), f"(k0 = {v.text})"

    def run(self, t, name, inputs, out, states, bound, given, scope):
        rng, block = self.rng, scope.block
        over = inputs[0].text if len(inputs) == 1 else f"({', '.join(v.text for v in inputs)})"
        if len(inputs) > 1:
            self.note("over several")
        kind = "fixed" if not t.isTime else "time"
        clauses, over = "", f" over {over}"
        if rng.random() < 0.2:
            # Steps on the same inputs.
            t = literal(rng.randint(1, 4))
            held = [f"{rng.choice(('first', 'last'))}({v.text})" for v in inputs]
            given = f"({', '.join(held + [given[1:-1]] * bool(given))})"
            over = f" times {t.text}"
            self.note("times")
        elif rng.random() < 0.35:
            clauses += " backward"
            self.note("backward")
        if states and rng.random() < 0.3:
            path = rng.choice(list(states))
            first = self.limited(self.real(states[path], scope, 1), 2)
            clauses += f" from {{{path}: {first.text}}}"
            self.note("from")
        self.keepsStates |= bool(states) and block.kind == "model" and t.isTime
        y = block.fresh("y")
        if rng.random() < 0.6 or not states:
            final = ""
            if states and rng.random() < 0.3:
                final = block.fresh("s")
                clauses += f" final {final}"
                self.note("final")
            block.lines.append(f"{y} = scan {name}{given}{over}{clauses}")
            scope.values.append(Value(y, Type((t,) + out), bound))
            self.note(f"scan over {kind}")
        else:
            final = y
            block.lines.append(f"{y} = fold {name}{given}{over}{clauses}")
            self.note(f"fold over {kind}")
        for path, axes in (states or {}).items():
            if final:
                scope.values.append(Value(f"{final}.{path}", Type(axes), 3))

    def asReal(self, value):
        """What can stand where a real number is declared."""
        if value.type.kind != "int":
            return value
        self.note("int as a number")
        return Value(f"real({value.text})", Type(value.type.axes), value.bound)

    def defines(self, scope, n):
        for _ in range(n):
            axes = self.someAxes(scope)
            value = self.asReal(self.limited(self.real(axes, scope, self.rng.choice((1, 1, 2))), 6))
            name = scope.block.fresh("v")
            scope.block.lines.append(f"{name} = {value.text}")
            scope.values.append(Value(name, Type(axes), value.bound))

    def body(self, scope):
        """Definitions and recurrences."""
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            if self.rng.random() < 0.7:
                self.recurrence(scope)
            else:
                self.defines(scope, 1)

    def result(self, axes, scope, depth):
        """A value that reads what was computed before and is not read yet."""
        value = self.asReal(self.real(axes, scope, depth))
        text = "\n".join(scope.block.lines + [value.text])
        for v in scope.values:
            name = v.text.rstrip("'")
            isRead = len(re.findall(rf"\b{re.escape(name)}\b", text)) > (name[0] in "vy")
            if isRead or not re.match(r"[vysxh]\d", name) or self.rng.random() < 0.15:
                continue
            other = self.reducedTo(v, axes)
            if other:
                value = Value(f"({value.text} + {other.text})", value.type,
                              value.bound + other.bound)
        return value

    def reducedTo(self, v, axes):
        """The value, or a number made of it, so that it can be added to [axes]."""
        rng, text, type = self.rng, v.text, v.type
        if type.kind not in ("real", "int") or (axes and rng.random() < 0.1):
            return None
        left = list(type.axes)
        while not isSuffix(tuple(left), axes):
            what = rng.choice(("mean", "first", "last", "lookup"))
            if what == "lookup" and not left[0].isTime:
                text = f"{text}[{rng.randrange(left[0].size)}]"
                left.pop(0)
            elif what in ("first", "last"):
                text = f"{what}({text})"
                self.note(what + (" of time" if left[0].isTime else ""))
                left.pop(0)
            else:
                text = f"mean({text})"
                self.note("mean()" + (" of a time axis" if left[-1].isTime else ""))
                left.pop()
        return Value(text, Type(tuple(left)), v.bound)

    # What is exported.

    def inputs(self, scope, n, isModel):
        """Declarations `x : T`, and their values in scope."""
        rng, texts = self.rng, []
        for k in range(n):
            what = rng.random()
            axes = self.someAxes(scope, 2, mostTimes=1)
            if k == 0 and scope.times:
                axes = (scope.times[0],) + self.someAxes(scope, 1, times=False)
            if what < 0.3:
                type = Type(axes[:1], "index", rng.choice([a for a in scope.axes if not a.parts]))
            elif what < 0.38:
                type = Type(axes[:1], "bit")
            elif what < 0.44 and isModel:
                type = Type((), "int")
            else:
                type = Type(axes)
            self.note(f"input of {type.kind}")
            texts.append(f"x{k} : {type}")
            scope.values.append(Value(f"x{k}", type, 3 if type.kind == "int" else 1.5))
        return texts

    def elements(self, scope, inputs):
        """An input along an axis L inside of T, and what is made of each element of T."""
        if not self.hasInner or not scope.times:
            return []
        rng, block = self.rng, scope.block
        t, inner = scope.times[0], Axis("L")
        rest = self.someAxes(scope, 1, times=False)
        inputs.append(f"n0 : {Type((t, inner) + rest)}")
        for _ in range(rng.choice((1, 1, 2))):
            element, i = self.bound(t, scope)
            # What belongs to the element, or to none.
            element.times = [inner]
            element.values = [
                Value(f"{v.text}[{i}]", Type(v.type.axes[1:], v.type.kind, v.type.index), v.bound)
                if v.type.axes[:1] == (t,) else v for v in scope.values if not any(
                    a.isTime for a in (v.type.axes[1:] if v.type.axes[:1] == (t,) else v.type.axes))]
            element.values += [Value(f"n0[{i}]", Type((inner,) + rest))] * 3
            value = self.elementwise(inner, Type(rest), element, scope)
            name = block.fresh("v")
            block.lines.append(f"{name} = for {i} in {t.text}: {value.text}")
            scope.values.append(Value(name, Type((t,) + value.type.axes), value.bound))
        self.note("axis inside of another")
        return [inner]

    def elementwise(self, inner, step, element, scope):
        """A value of one element of T, without L."""
        rng, block = self.rng, scope.block
        out = self.someAxes(scope, times=False)
        if rng.random() < 0.4 or block.kind == "fn":
            return self.limited(self.real(out, element, rng.choice((1, 2))), 5)
        cell = self.cellOf([step], out, scope)
        name = block.fresh("r")
        block.head.append(f"use {name} = {cell.name}{cell.sizes}")
        block.params += 2
        sequence = self.limited(self.real((inner,) + step.axes, element, 1), 3)
        clauses = " backward" if rng.random() < 0.4 else ""
        path = rng.choice(list(cell.states) or [None])
        if path and rng.random() < 0.4:
            clauses += f" from {{{path}: {self.limited(self.real(cell.states[path], element, 1), 2).text}}}"
        if path and rng.random() < 0.6:
            self.note("fold of an element")
            return Value(f"(fold {name} over {sequence.text}{clauses}).{path}", Type(cell.states[path]), 3)
        self.note("scan of an element")
        what = rng.choice(("last", "first"))
        return Value(f"{what}(scan {name} over {sequence.text}{clauses})", Type(out), cell.bound)

    def times(self):
        n = self.rng.choice((0, 1, 1, 1, 1, 2, 2))
        if n == 2:
            self.note("two time axes")
        return [Axis(name) for name in ("T", "S")[:n]]

    def layer(self, axes):
        scope = Scope(Block("layer"), axes, self.times())
        inputs = self.inputs(scope, self.rng.choice((1, 1, 2, 3)), False)
        shown = {t for text in inputs for t in ("T", "S") if f"{t}]" in text or f"{t}," in text}
        scope.times = [t for t in scope.times if t.text in shown]
        inner = self.elements(scope, inputs)
        self.body(scope)
        out = self.someAxes(scope)
        value = self.limited(self.result(out, scope, self.rng.choice((1, 2, 2, 3))), 8)
        name = self.top("L")
        times = scope.times + inner
        generics = f"[{', '.join('time ' + t.text for t in times)}]" if times else ""
        self.items.append(f"layer {name}{generics}({', '.join(inputs)}) -> {Type(out)} {{\n"
                          f"{scope.block.text()}  out {value.text}\n}}\n")
        self.items.append(f"export {name}.vjp\n")
        self.note("layer exported")

    def cell(self, axes):
        scope = Scope(Block("cell"), axes, [])
        types = [Type(self.someAxes(scope)) for _ in range(self.rng.randint(1, 2))]
        if self.rng.random() < 0.2:
            types.append(Type((), "index", self.rng.choice([a for a in axes if not a.parts])))
        constants = ()
        if self.rng.random() < 0.3:
            constants = (Type(self.someAxes(scope)),)
        cell = self.makeCell(types, self.someAxes(scope), axes, constants, 2)
        self.items.append(f"export {cell.name}.vjp, {cell.name}.step\n")
        self.note("cell exported")

    def observation(self, type, scope):
        """The distribution of an output of this type."""
        self.note(type.kind + " output")
        if type.kind == "index":
            x = self.limited(self.result(type.axes + (type.index,), scope, self.rng.randint(1, 2)), 6)
            smooth = ", smooth = 0.1" if self.rng.random() < 0.3 else ""
            self.note("categorical")
            return f"categorical({x.text}{smooth})"
        x = self.limited(self.result(type.axes, scope, self.rng.randint(1, 2)), 6)
        if type.kind == "bit":
            self.note("bernoulli")
            return f"bernoulli({x.text})"
        name = self.rng.choice(("normal", "laplace"))
        self.note(name)
        scale = "1.5"
        if self.rng.random() < 0.4:
            axes = type.axes[self.rng.choice((0, len(type.axes))):]
            scale = f"softplus({self.limited(self.real(axes, scope, 1), 3).text}) + 0.4"
        return f"{name}({x.text}, {scale})"

    def model(self, axes):
        scope = Scope(Block("model"), axes, self.times())
        block = scope.block
        rng = self.rng
        inputs = self.inputs(scope, rng.choice((1, 1, 2, 3)), True)
        outputs = []
        for k in range(self.rng.choice((0, 1, 1, 1, 2))):
            first = self.someAxes(scope, 2, mostTimes=1)
            kind = self.rng.choice(("real", "index", "bit"))
            type = Type(first[:1], "index", self.rng.choice([a for a in axes if not a.parts])) \
                if kind == "index" else Type(first, kind)
            outputs.append((f"y{k + 100}", type))
        shown = inputs + [str(t) for _, t in outputs]
        scope.times = [t for t in scope.times
                       if any(f"{t.text}]" in s or f"{t.text}," in s for s in shown)]
        inner = self.elements(scope, inputs)
        self.body(scope)
        self.unfolds = 0
        for name, type in outputs:
            if rng.random() > 0.4 or not self.unfold(name, type, scope):
                block.lines.append(f"{name} ~ {self.observation(type, scope)}")
        if len(outputs) > 1:
            self.note("several ~")
        if not outputs or self.rng.random() < 0.3:
            for _ in range(self.rng.choice((1, 1, 2))):
                value = self.limited(self.result((), scope, 2), 8)
                block.lines.append(f"loss {value.text}")
                self.note("loss")
        name = self.top("M")
        times = ", ".join(t.text for t in scope.times + inner)
        times = f"  time {times}\n" if times else ""
        declared = f"  input {', '.join(inputs)}\n"
        if outputs:
            declared += f"  output {', '.join(f'{n} : {t}' for n, t in outputs)}\n"
        if not block.params:
            block.head.append("param bias0 : real = 0.1")
            block.lines.append("loss 0.3 * bias0 * bias0")
        self.items.append(f"model {name} {{\n{times}{declared}{block.text()}}}\n")
        self.items.append(self.train(name, scope))
        functions = self.rng.choice((("grad",), ("loss", "grad"), ("grad", "train_step"),
                                     ("predict", "grad")))
        # How long an output is has to be seen from the inputs.
        seen = all(any(re.search(rf"\b{t.text}\b", text.split(":")[1]) for text in inputs)
                   for t in scope.times)
        if "predict" in functions and (self.unfolds or not (outputs and seen)):
            functions = ("grad",)
        # The gradient of a gradient sees what `stop` and its kin hide.
        own = random.Random(f"hvp {self.seed}")
        if own.random() < 0.4 and "grad" in functions and not re.search(
                r"\b(stop\(|clipgrad|bptt|feed sampled)", "".join(self.items)):
            functions += ("hvp",)
            self.note("hvp")
        own = random.Random(f"looks {self.seed}")
        if self.keepsStates and own.random() < 0.4:
            functions += ("state_grad",)
            self.note("state_grad")
        self.items.append(f"export {', '.join(f'{name}.{f}' for f in functions)}\n")
        self.note("model")

    def train(self, name, scope):
        rng = self.rng
        lines = ["optimize " + rng.choice((
            "adam(lr = 1e-2)", "sgd(lr = 0.1)", "sgd(lr = 0.1, momentum = 0.9)",
            "sgd(lr = 0.1, momentum = 0.9, nesterov = 1)", "adamw(lr = 1e-2, decay = 0.1)",
            "rmsprop(lr = 1e-2)", "adagrad(lr = 1e-2)"))]
        self.note(lines[0].split("(")[0].split()[1])
        for _ in range(rng.choice((0, 1, 1, 2))):
            clip = rng.choice(("value 0.1", "norm 0.2", "global_norm 0.3", "adaptive 0.1"))
            lines.append(f"clip {clip}")
            self.note("clip " + clip.split()[0])
        # An instance may have no parameters.
        names = [line.split()[1].rstrip(",") for line in scope.block.head if line.startswith("param ")]
        if names and rng.random() < 0.25:
            lines.append(f"rate {rng.choice(names)} {rng.choice(('0.1', '0', '3'))}")
            self.note("rate")
        if rng.random() < 0.2:
            lines.append("average 0.9")
            self.note("average")
        if rng.random() < 0.3:
            lines.append("per example")
            self.note("per example")
        if rng.random() < 0.15 and scope.times:
            lines.append(f"bptt {rng.choice((1, 2, 3))}")
            self.note("bptt")
        if self.unfolds and rng.random() < 0.5:
            lines.append(f"feed sampled {rng.choice(('0.3', '0.7', '1'))}")
            self.note("feed sampled")
        # Numbers of its own: programs of known seeds stay what they are.
        own = random.Random(f"checkpoint {self.seed}")
        if own.random() < 0.35 and scope.times:
            policy = own.choice(("sqrt", "every 1", "every 2", "every 3", "memory 20kB", "none"))
            lines.append(f"checkpoint {policy}")
            self.note("checkpoint " + policy.split()[0])
        own = random.Random(f"accumulate {self.seed}")
        if own.random() < 0.5 and "per example" in lines:
            lines.append("accumulate 3")
            self.note("accumulate")
        return f"train {name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"

    def program(self):
        axes = self.makeAxes()
        self.functions = [self.makeFunction(axes)] if self.rng.random() < 0.4 else []
        what = self.rng.choices((self.layer, self.cell, self.model), (48, 16, 36))[0]
        what(axes)
        head = "import std\n" if self.usesStd else ""
        return head, "".join(self.items)


def program(seed, tag=""):
    """The `import` line, the text, and a Counter of what was met."""
    generator = Generator(seed, tag)
    head, text = generator.program()
    return head, text, generator.met


if __name__ == "__main__":
    import sys
    head, text, met = program(int(sys.argv[1]))
    print(head + text, end="")
