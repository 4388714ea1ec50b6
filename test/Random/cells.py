"""Random functions, layers and cells."""
import random
import re

from library import *
from syntax import *

STD_CELLS = {"rnn_tanh": 1, "rnn_relu": 1, "indrnn": 1, "gru": 3, "lstm": 3, "minimal_gru": 1,
             "irnn": 0.3, "peephole": 0.4, "cifg": 0.4, "ln_lstm": 0.4, "mlstm": 0.4, "gru_cho": 0.4,
             "mingru": 0.4, "minlstm": 0.4, "qrnn": 0.4, "rhn": 0.3, "zoneout_lstm": 0.3,
             "variational_lstm": 0.3, "weight_drop_lstm": 0.3}
# Cells of other sizes: what stands in the brackets, and the states' axes.
OTHER_CELLS = {"lstmp": ("[{i}, 2, {o}]", lambda i, o: {"h": (o,), "c": (literal(2),)}, False),
               "sru": ("[{i}]", lambda i, o: {"c": (o,)}, True),
               "delay": ("[{i}, 2]", lambda i, o: {"before": (literal(2), i)}, True),
               "recent_max": ("[{i}, 2]", lambda i, o: {"kept": (literal(2), i)}, True)}
# Groups of a clockwork network of so many units.
CLOCKS = {1: ((1, 1),), 2: ((2, 1), (1, 2)), 3: ((3, 1),), 4: ((2, 2), (4, 1)), 6: ((2, 3), (3, 2))}
STD_STATES = {name: ("h", "c") for name in ("lstm", "peephole", "cifg", "ln_lstm", "mlstm", "zoneout_lstm",
                                            "variational_lstm", "weight_drop_lstm")} | {"qrnn": ("c",)}


ALONG = Axis("U")  # of a function, whatever time axis its argument has


class Cells(Library):
    # Weights of the ways to make a number.
    productions = ([Expressions.leaf, Expressions.unary, Expressions.binary, Expressions.clamp,
                    Expressions.choice, Expressions.match, Expressions.loop,
                    Expressions.reduction, Expressions.softmaxLoop, Expressions.lastAxis,
                    Expressions.firstAxis, Expressions.oneHot, Expressions.lookup,
                    Expressions.around, Expressions.renamed, Expressions.join,
                    Expressions.part, Expressions.column, Expressions.list, Library.product, Library.packed,
                    Library.alongAxis],
                   [3, 10, 12, 1, 5, 7, 6, 11, 8, 6, 9, 6, 7, 4, 5, 8, 4, 4, 5, 9, 9, 6])

    def makeFunction(self, axes):
        """A function; some along a time axis `U` of whatever calls it."""
        own = random.Random(f"along {self.seed}")
        times = [ALONG] if own.random() < 0.4 else []
        scope = Scope(Block("fn"), axes, times)
        inputs = [Type(self.someAxes(scope, mostTimes=1)) for _ in range(self.rng.randint(1, 2))]
        if times:
            inputs[0] = Type((ALONG,) + self.someAxes(scope, 1, times=False))
            self.note("fn along a time axis")
        out = self.someAxes(scope, mostTimes=1)
        for k, type in enumerate(inputs):
            scope.values.append(Value(f"x{k}", type))
        self.defines(scope, 1)
        value = self.limited(self.real(out, scope, 2), 4)
        name = self.top("f")
        args = ", ".join(f"x{k}: {t}" for k, t in enumerate(inputs))
        generics = "[time U]" if times else ""
        self.items.append(f"fn {name}{generics}({args}) -> {Type(out)} {{\n{scope.block.text()}"
                          f"  out {value.text}\n}}\n")
        self.note("fn")
        return Signature(name, "fn", inputs, Type(out), bound=4)

    def applied(self, axes, scope, depth):
        """A call of a function or a layer; a layer may map over the first axes."""
        if scope.block.kind == "fn":
            return None
        def along(axes, t):
            return tuple(t if a == ALONG else a for a in axes)

        found = [(s, t) for s in self.functions for t in scope.times or [None] if (
            t or not any(a == ALONG for a in s.inputs[0].axes)) and along(s.out.axes, t) == axes]
        if found and self.rng.random() < 0.7:
            f, t = self.rng.choice(found)
            self.note("call of a function")
            given = ", ".join(self.limited(self.real(along(i.axes, t), scope, depth - 1), 3).text
                              for i in f.inputs)
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
        nested = [(f"k{k}", c) for k, c in enumerate(constants) if sum(a.isTime for a in c.axes[:2]) == 2]
        scope = Scope(Block("cell"), axes, [t for t in times.values() if not any(t in c.axes[1:] for _, c in nested)])
        block = scope.block
        for k, type in enumerate(inputs):
            scope.values.append(Value(f"x{k}", type))
        for k, type in enumerate(constants):
            if not nested:
                scope.values.append(Value(f"k{k}", type))
        states = self.makeStates(scope, out, constants)
        kept = self.makeKept(scope) if rng.random() < 0.2 else None
        whole = random.Random(f"reads whole {self.seed} {len(self.items)}")
        for text, type in nested:
            self.ofElements(text, type, scope)
        if drawn and scope.times and whole.random() < 0.8:
            for _ in range(whole.choice((1, 1, 2))):
                self.readWhole(scope, whole)
        if depth > 0 and rng.random() < 0.18:
            states.update(self.stepInner(scope, depth))
        self.defines(scope, rng.choice((0, 0, 1)))
        if depth > 0 and rng.random() < 0.12:
            self.note("recurrence in a cell")
            self.recurrence(scope)
        own = [s for s in states if "." not in s]
        rng.shuffle(own)
        for state in own:
            block.lines.append(f"{state}' = {self.next(state, states[state], scope)}")
            scope.values.append(Value(f"{state}'", Type(states[state]), 3))
        if kept:
            block.lines.append(f"{kept.text}' = {self.nextKept(kept, scope)}")
        if drawn:
            given = self.observation(drawn, scope)
            kind = re.match(r"(?:for \w+ in [^:]+: )*(\w+)\(", given).group(1)
            # Of a distribution of one's own what it says stands in no brackets.
            shown = drawn.axes + ((drawn.index,) if drawn.index and kind == "categorical" else ())
            result = f"{kind}{Type(shown)}" if shown else kind
        else:
            given = self.limited(self.result(out, scope, rng.choice((0, 1, 1, 2))), 4).text
            result = Type(out)
        name = self.top("c")
        args = ", ".join(f"x{k}: {t}" for k, t in enumerate(inputs))
        if constants:
            args += "; " + ", ".join(f"k{k}: {t}" for k, t in enumerate(constants))
            self.note("constants of a cell")
        text = f"({args}) -> {result} {{\n{block.text()}  out {given}\n}}\n"
        sizes = sorted({a.text for a in axes if a.isSize and re.search(rf"\b{a.text}\b", text)})
        generics = ", ".join(sizes + ["time " + t for t in times])
        self.items.append(f"cell {name}" + (f"[{generics}]" if generics else "") + text)
        self.note(f"cell with {len(own)} states")
        return Signature(name, "cell", list(inputs), Type(out), list(constants), states, 4,
                         sizes=f"[{', '.join(sizes)}]" if sizes else "",
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
        if what < 0.06 and len(axes) == 1 and not axes[0].isTime:
            self.usesStd = True
            self.note("zoneout")
            return f"zoneout({self.limited(x, 1.5).text}, {state}, {rng.choice((0.1, 0.3))})"
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
        own = random.Random(f"implied {self.seed} {len(self.items)}")
        seen = [v for v in scope.values if v.text == "k0" and v.type.kind == "real"]
        if seen and own.random() < 0.5:
            # It reads `k0` of the cell around it, which is not given.
            cell = self.makeCell([Type(axes)], out, scope.axes, (seen[0].type,), 0)
            self.note("implied constant")
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
        if (len(inputs) == 1 and inputs[0].kind == "real" and len(out) == 2 and out[1:] == inputs[0].axes and
                not constants and rng.random() < 0.6):
            self.usesStd = True
            self.note("recent")
            return Signature("recent", "cell", list(inputs), Type(out), states={"kept": out},
                             sizes=f"[{out[1].text}, {out[0].text}]", bound=3)
        if (len(inputs) == 1 and inputs[0].kind == "real" and len(inputs[0].axes) == 1 and
                not inputs[0].axes[0].isTime and
                len(out) == 1 and not constants and rng.random() < 0.6):
            self.usesStd = True
            self.note("std cell")
            own = random.Random(f"clocks {self.seed} {len(self.items)} {len(scope.block.head)}")
            if out[0].text in map(str, CLOCKS) and own.random() < 0.5:
                groups, units = own.choice(CLOCKS[out[0].size])
                self.note("clockwork")
                return Signature("clockwork", "cell", list(inputs), Type(out),
                                 states={"h": (literal(groups), literal(units)), "t": ()},
                                 sizes=f"[{inputs[0].axes[0].text}, {groups}, {units}]", bound=3)
            if rng.random() < 0.15:
                name = rng.choice(list(OTHER_CELLS))
                sizes, states, same = OTHER_CELLS[name]
                i, o = inputs[0].axes[0], out[0]
                if not same or i == o:
                    self.note(name)
                    return Signature(name, "cell", list(inputs), Type(out), states=states(i, o),
                                     sizes=sizes.format(i=i.text, o=o.text), bound=8)
            name = rng.choices(list(STD_CELLS), STD_CELLS.values())[0]
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
            own = random.Random(f"drop {self.seed} {len(scope.block.head)}")
            drop = own.choice(("drop", "variational_drop"))
            links.insert(1, f"{drop}[{middle[0].text}, 0.2]")
            self.note(drop)
            self.note("layer in a chain")
        stages = ["a", "b"] if names else ["0", str(len(links) - 1)]
        if names:
            links[0], links[-1] = "a: " + links[0], "b: " + links[-1]
        self.note("chain")
        states = {f"{stage}.{path}": axes for stage, cell in zip(stages, (first, second))
                  for path, axes in cell.states.items()}
        return " >> ".join(links), states if names else None, second.bound
