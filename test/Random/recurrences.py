"""Random recurrences, and values that read what was computed before."""
import random
import re

from cells import *


class Recurrences(Cells):
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
            fixed = [a for a in scope.axes if not a.parts]
            if len(out) == 1 and rng.random() < 0.15:
                out = (rng.choice(fixed),) + out  # one that keeps what it reads
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
                a.isTime for a in type.axes[1:]) or (type.index and type.index.isTime):
            return None
        t, drawn = type.axes[0], Type(type.axes[1:], type.kind, type.index)
        isHidden = bool(self.wanted) and self.wanted[0] == "hmm"
        over = [] if isHidden else [self.sequence(t, scope) for _ in range(rng.choice((0, 1, 1, 2)))]
        constants, given = ((), "") if isHidden else self.constantsFor(scope, 0.6, isUnfold=True)
        inputs = [drawn] + [Type(v.type.axes[1:], v.type.kind, v.type.index) for v in over]
        shape = drawn.axes + ((drawn.index,) if drawn.index else ())
        if isHidden:
            cell = self.hidden(drawn.index, random.Random(f"hidden {self.seed}"))
        else:
            cell = self.makeCell(inputs, shape, scope.axes, constants, 1, drawn)
        name = block.fresh("r")
        block.head.append(f"use {name} = {cell.name}{cell.sizes}")
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
        if t.isTime and not over and rng.random() < 0.2:
            text += f" max {rng.randint(3, 9)}"
            self.note("unfold max")
        self.unfolds += 1
        self.drawnTypes.append(type)
        self.dependsOnInputs |= bool(over) or bool(re.search(r"\bx\d", text))
        # What is read whole along the axis that is drawn is not there yet.
        self.readsItself |= any(t in c.axes for c in constants)
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

    def hidden(self, symbols, own):
        """A hidden Markov model."""
        states = literal(own.randint(1, 3))
        self.usesStd = True
        self.law = None
        self.note("hmm")
        return Signature("hmm", "cell", [Type((), "index", symbols)], Type((symbols,)),
                         states={"belief": (states,), "begun": ()}, sizes=f"[{states.text}, {symbols.text}]")

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
        if len(axes) == 2 and self.rng.random() < 0.25:
            value = self.alongAxis(axes, scope, 1)
            if value:
                return self.limited(value, 3)
        return self.limited(self.real(axes, scope, 1), 3)

    def constantsFor(self, scope, often=0.25, isUnfold=False):
        """What is given to a cell after `;`: types and the text of the call. An unfold reads whole sequences."""
        own = random.Random(f"whole constants {self.seed} {len(scope.block.lines)}")
        if self.nested and scope.block.kind == "model" and own.random() < (0.6 if isUnfold else 0.4):
            self.note("unfold with an axis inside of another" if isUnfold else "step that reads elements")
            return (self.nested,), "(k0 = n0)"
        if self.rng.random() > often:
            return (), ""
        values = [v for v in scope.values if v.type.kind == "real" and "'" not in v.text and
                  sum(a.isTime for a in v.type.axes) <= 1]
        if not values:
            return (), ""
        timed = [v for v in values if any(a.isTime for a in v.type.axes)]
        if isUnfold and own.random() < 0.5:
            timed = [v for v in timed if Axis("S") in v.type.axes] or timed
        v = self.rng.choice(timed if timed and isUnfold and own.random() < 0.7 else values)
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
            first = f"{{{path}: {self.limited(self.real(states[path], scope, 1), 2).text}}}"
            if rng.random() < 0.4:
                first = self.record(path, first, states, scope)
            clauses += f" from {first}"
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

    def record(self, path, first, states, scope):
        """The name of a record of first states, of all of them or one."""
        if self.rng.random() < 0.6:
            first = ", ".join(f"{p}: {self.limited(self.real(axes, scope, 1), 2).text}" for p, axes in states.items())
            first = f"{{{first}}}"
        name = scope.block.fresh("rec")
        scope.block.lines.append(f"{name} = {first}")
        self.note("record")
        return name

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
            what = self.rng.random()
            if what < 0.6:
                self.recurrence(scope)
            elif what < 0.75:
                self.ofEach(scope)
            else:
                self.defines(scope, 1)

    def ofElements(self, text, nested, scope):
        """What is made of each element of the first axis, of which each has a second one of its own."""
        t, name = nested.axes[0], scope.block.fresh("v")
        element, i = self.element(text, nested, scope)
        value = self.ofElement(element, nested)
        scope.block.lines.append(f"{name} = for {i} in {t.text}: {value.text}")
        scope.values.append(Value(name, Type((t,) + value.type.axes), value.bound))

    def element(self, text, nested, scope):
        """The scope of one element of the first axis of a nested value, and its name."""
        (t, inner), rest = nested.axes[:2], nested.axes[2:]
        element, i = self.bound(t, scope)
        # What belongs to the element, or to none.
        element.times = [inner]
        element.values = [
            Value(f"{v.text}[{i}]", Type(v.type.axes[1:], v.type.kind, v.type.index), v.bound)
            if v.type.axes[:1] == (t,) else v for v in scope.values if not any(
                a.isTime for a in (v.type.axes[1:] if v.type.axes[:1] == (t,) else v.type.axes))]
        element.values += [Value(f"{text}[{i}]", Type((inner,) + rest))] * 3
        return element, i

    def ofElement(self, element, nested):
        """A value of one element, whose entries can have an axis of their own again."""
        inner, rest = nested.axes[1], nested.axes[2:]
        if not rest or not rest[0].isTime:
            return self.elementwise(inner, Type(rest), element)
        entry, j = self.element(element.values[-1].text, Type(nested.axes[1:]), element)
        value = self.ofElement(entry, Type(nested.axes[1:]))
        entries = Value(f"(for {j} in {inner.text}: {value.text})", Type((inner,) + value.type.axes), value.bound)
        element.values[-3:] = [entries] * 3
        value = self.elementwise(inner, Type(value.type.axes), element)
        if entries.text in value.text:
            return value
        read = None
        while not read:
            read = self.reducedTo(entries, value.type.axes)
        return Value(f"({value.text} + {read.text})", value.type, value.bound + read.bound)

    def elementwise(self, inner, step, element):
        """A value of one element of T, without L."""
        rng, block = self.rng, element.block
        out = self.someAxes(element, times=False)
        if rng.random() < 0.4 or block.kind == "fn":
            return self.limited(self.real(out, element, rng.choice((1, 2))), 5)
        cell = self.cellOf([step], out, element)
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

    def readWhole(self, scope, own):
        """What a step makes of a sequence that it does not step along."""
        t = own.choice(scope.times)
        inner, i = self.bound(t, scope)
        if own.random() < 0.6:
            body = self.limited(self.real((), inner, own.choice((0, 1, 1))), 3)
            what = own.choice(("last(for {i} in {t}: {x})", "first(for {i} in {t}: {x})", "mean(for {i} in {t}: {x})",
                               "sum {i} in {t}: 0.2 * {x}", "sum {i} in {t}: 0.1 * {i} * {x}", "tanh(max {i} in {t}: {x})",
                               "last(reverse(for {i} in {t}: {x}))", "last(shift((for {i} in {t}: {x}), 0.3))"))
            text = what.format(i=i, t=t.text, x=body.text)
        else:
            x = self.limited(self.real((t,), scope, 1), 3)
            what = own.choice(("last({x})", "last(reverse({x}))", "last(shift({x}, 0.5))", "0.2 * last(cumsum({x}))",
                               "first(shift({x}, 0.5))", "0.1 * real(argmax {i} in {t}: {x}[{i}])", "mean({x})"))
            text = what.format(i=i, t=t.text, x=x.text if re.fullmatch(r"\w+", x.text) else f"({x.text})")
        name = scope.block.fresh("v")
        scope.block.lines.append(f"{name} = {text}")
        scope.values.append(Value(name, Type(), 6))
        self.note("step that reads a sequence")

    def ofEach(self, scope):
        """What is made of each entry of an axis, mostly by a recurrence."""
        d, t = (self.rng.choice(scope.times * 2 + [a for a in scope.axes if not a.parts]) for _ in range(2))
        rest = self.someAxes(scope, 1, times=False)
        element, i = self.bound(d, scope)
        value = self.elementwise(t, Type(rest), element)
        name = scope.block.fresh("v")
        scope.block.lines.append(f"{name} = for {i} in {d.text}: {value.text}")
        scope.values.append(Value(name, Type((d,) + value.type.axes), value.bound))
        self.note("recurrence of each entry")

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
