"""Random expressions of a wanted type, numbers kept within bounds so that
rounding and differences stay small."""
import math
import random

from syntax import *

UNARY = {
    # name: (text, bound of the value by the bound of x)
    "exp": ("exp({})", lambda b: math.exp(b)),
    "log": ("log(abs({}) + 0.5)", lambda b: max(0.7, math.log(b + 0.5))),
    "sqrt": ("sqrt(abs({}) + 0.3)", lambda b: math.sqrt(b + 0.3)),
    "sin": ("sin({})", lambda b: 1),
    "cos": ("cos({})", lambda b: 1),
    "sigmoid": ("sigmoid({})", lambda b: 1),
    "tanh": ("tanh({})", lambda b: 1),
    "softplus": ("softplus({})", lambda b: b + 0.7),
    "relu": ("relu({})", lambda b: b),
    "abs": ("abs({})", lambda b: b),
    "erf": ("erf({})", lambda b: 1),
    "gelu": ("gelu({})", lambda b: b),
    "negation": ("(-{})", lambda b: b),
    # Not where the jumps are.
    "floor": ("floor(1.3 * {} + 0.0137)", lambda b: 1.3 * b + 1),
    "ceil": ("ceil(1.3 * {} + 0.0137)", lambda b: 1.3 * b + 1),
    "round": ("round(1.3 * {} + 0.0137)", lambda b: 1.3 * b + 1),
    "sign": ("sign({} + 0.0137)", lambda b: 1),
}
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "logsumexp")


class Expressions:
    """Mixed into the generator, which has `rng`, `met` and makes modules."""

    def note(self, what):
        self.met[what] += 1

    def limited(self, value, most):
        """The value, squashed if it can be larger."""
        if value.bound <= most:
            return value
        if value.bound * 0.1 <= most and self.rng.random() < 0.5:
            return Value(f"(0.1 * {value.text})", value.type, value.bound * 0.1)
        name = self.rng.choice(("tanh", "sigmoid", "sin", "erf"))
        self.note(name)
        return Value(f"{name}({value.text})", value.type, 1)

    def number(self):
        return f"{self.rng.choice((0.3, 0.5, 0.7, 1.2, 2, 1))}"

    # Leaves.

    def indicesInto(self, axis, scope):
        """Texts of single indices into an axis that are at hand."""
        found = [v.text for v in scope.values
                 if v.type == Type((), "index", axis)]
        if not axis.isTime and self.rng.random() < 0.3:
            found.append(str(self.rng.randrange(axis.size)))
        return found

    def lookups(self, wanted, scope):
        """`v[i, j]` and `v.label` of the wanted type."""
        found = []
        for v in scope.values:
            axes = v.type.axes
            if (v.type.kind, v.type.index) != (wanted.kind, wanted.index):
                continue
            for k in range(1, len(axes) + 1):
                if axes[k:] != wanted.axes:
                    continue
                each = [self.indicesInto(a, scope) for a in axes[:k]]
                if all(each):
                    text = ", ".join(self.rng.choice(one) for one in each)
                    found.append(("lookup", Value(f"{v.text}[{text}]", wanted, v.bound)))
            for k, axis in enumerate(axes):
                if "." in v.text:
                    break
                if axis.labels and axes[:k] + axes[k + 1:] == wanted.axes and not any(
                        a.labels for a in axes[:k]):
                    label = self.rng.choice(axis.labels)
                    found.append(("label", Value(f"{v.text}.{label}", wanted, v.bound)))
        return found

    def place(self, v):
        """An index as a number; that of a binder is one by itself."""
        size = v.type.index.size or 6
        ways = ["0.3 * real({})"] + ["({} - 1.5)", "({} / 2)", "2 * {}"] * v.isPlace
        return Value(self.rng.choice(ways).format(v.text), Type(), 2 * size)

    def leaf(self, axes, scope, depth=0):
        type = Type(axes)
        options = [("value", v) for v in scope.ofType(type)] * 3 + self.lookups(type, scope)
        if axes:
            options += [(f"{kind}s as numbers", Value(f"real({v.text})", type, v.bound))
                        for kind in ("int", "bit") for v in scope.ofType(Type(axes, kind))]
        else:
            options += [("int", v) for v in scope.ofType(Type((), "int"))]
            options += [("place", self.place(v)) for v in scope.values
                        if v.type.kind == "index" and not v.type.axes]
            if self.rng.random() < 0.1 or not options:
                options.append(("number", Value(self.number(), type, 2)))
        if options and self.rng.random() < 0.9:
            what, value = self.rng.choice(options)
            self.note(what)
            return value
        param = self.parameter(axes, scope)
        if param:
            return param
        if options:
            return self.rng.choice(options)[1]
        return self.loop(axes, scope, 0)

    def parameter(self, axes, scope):
        block = scope.block
        if block.kind == "fn" or block.params >= 7 or any(a.isTime for a in axes):
            return None
        block.params += 1
        name = block.fresh("w")
        first = self.rng.choice(("~ normal(0, 0.5)", "~ uniform(-0.5, 0.5)", "~ glorot", "= 0.5"))
        frozen = " frozen" if self.rng.random() < 0.05 else ""
        own = random.Random(f"first {self.seed} {name} {len(block.head)}")
        if own.random() < 0.15:
            first = self.firstValue(axes, own) or first
        self.note("frozen" if frozen else "param")
        block.head.append(f"param {name} : {Type(axes)} {first}{frozen}")
        value = Value(name, Type(axes), 0.9)
        scope.values.append(value)
        return value

    def firstValue(self, axes, own):
        """First values one by one: by labels, in a list, or by an expression."""
        if axes and axes[0].labels:
            self.note("first values by label")
            return f"= {{{own.choice(axes[0].labels)}: 0.7, else: -0.2}}"
        if len(axes) == 1 and own.random() < 0.5:
            self.note("first values in a list")
            return f"= [{', '.join(str(round(own.uniform(-1, 1), 2)) for _ in range(axes[0].size))}]"
        if len(axes) == 1 and not axes[0].parts:
            self.note("first values by an expression")
            return f"= for q in {axes[0].text}: 0.3 * q - sin(q) / 2"
        return None

    # Numbers.

    def real(self, axes, scope, depth):
        """An expression of type [axes]."""
        rng = self.rng
        if depth <= 0 or count(axes) > 90:
            return self.leaf(axes, scope)
        for _ in range(20):
            make = rng.choices(*self.productions)[0]
            value = make(self, axes, scope, depth - 1)
            if value:
                if value.bound > 40:
                    value = self.limited(value, 40)
                return value
        return self.leaf(axes, scope)

    def unary(self, axes, scope, depth):
        name = self.rng.choice(list(UNARY))
        text, bound = UNARY[name]
        x = self.real(axes, scope, depth)
        if name == "exp":
            x = self.limited(x, 2.5)
        self.note(name)
        return Value(text.format(x.text), x.type, bound(x.bound))

    def suffixPair(self, axes, scope, depth):
        """Two operands, one of them perhaps with the last axes only."""
        x = self.real(axes, scope, depth)
        skip = self.rng.choice((0, 0, len(axes), self.rng.randint(0, len(axes))))
        y = self.real(axes[skip:], scope, depth)
        return (x, y) if self.rng.random() < 0.5 else (y, x)

    def binary(self, axes, scope, depth):
        x, y = self.suffixPair(axes, scope, depth)
        op = self.rng.choice("+ - * * / ^ pow min max power mod".split())
        self.note(op)
        if op in "+-":
            return Value(f"({x.text} {op} {y.text})", Type(axes), x.bound + y.bound)
        if op == "*":
            return Value(f"({x.text} * {y.text})", Type(axes), x.bound * y.bound)
        if op == "/":
            return Value(f"({x.text} / (abs({y.text}) + 0.7))", Type(axes), x.bound / 0.7)
        if op == "^":
            n = self.rng.choice((2, 2, 3, 0.5))
            if n == 0.5:
                x, y = self.limited(x, 4), self.limited(y, 4)
                return Value(f"((abs({x.text}) + 0.4) ^ 0.5 + {y.text})", Type(axes),
                             x.bound + 1 + y.bound)
            x = self.limited(x, 4)
            return Value(f"({x.text} ^ {n} - {y.text})", Type(axes), x.bound ** n + y.bound)
        if op in ("pow", "power"):
            x, y = self.limited(x, 3), self.limited(y, 2)
            base = f"abs({x.text}) + 0.4"
            text = f"pow({base}, {y.text})" if op == "pow" else f"(({base}) ^ ({y.text}))"
            return Value(text, Type(axes), max(3.4, x.bound + 0.4) ** y.bound)
        if op == "mod":
            return Value(f"mod({x.text} + 0.0137, abs({y.text}) + 0.7)", Type(axes), y.bound + 0.7)
        return Value(f"{op}({x.text}, {y.text})", Type(axes), max(x.bound, y.bound))

    def clamp(self, axes, scope, depth):
        x = self.real(axes, scope, depth)
        self.note("clamp")
        return Value(f"clamp({x.text}, -0.8, 0.9)", x.type, 0.9)

    def choice(self, axes, scope, depth):
        condition = self.bit(self.rng.choice((axes, ())), scope, depth)
        x, y = self.suffixPair(axes, scope, depth)
        self.note("if")
        return Value(f"(if {condition} then {x.text} else {y.text})", Type(axes),
                     max(x.bound, y.bound))

    def someAxis(self, scope, times=True):
        axes = scope.axes + (scope.times * 5 if times else [])
        return self.rng.choice(axes) if axes else literal(self.rng.randint(1, 3))

    def match(self, axes, scope, depth):
        cut = self.rng.randint(0, len(axes))
        k = self.someAxis(scope, self.rng.random() < 0.3)
        left, right = axes[:cut] + (k,), (k,) + axes[cut:]
        if count(left) > 60 or count(right) > 60:
            return None
        x, y = self.real(left, scope, depth), self.real(right, scope, depth)
        self.note("match over time" if k.isTime else "match")
        return Value(f"({x.text} @ {y.text})", Type(axes), x.bound * y.bound * (k.size or 6))

    def bound(self, axis, scope):
        """A scope inside a binder over an axis; the index's name."""
        inner = scope.inner()
        name = scope.block.fresh("i")
        inner.values.append(Value(name, Type((), "index", axis), isPlace=True))
        return inner, name

    def loop(self, axes, scope, depth):
        if not axes:
            return None
        inner, i = self.bound(axes[0], scope)
        x = self.real(axes[1:], inner, depth)
        self.note("for over time" if axes[0].isTime else "for")
        return Value(f"(for {i} in {axes[0].text}: {x.text})", Type(axes), x.bound)

    def reduced(self, op, x, n):
        """An operand that keeps the value of a reduction in bounds, and the bound."""
        if op == "prod":
            x = self.limited(x, 1.2)
            return f"(0.4 * {x.text} + 0.9)", 2.0 ** n
        return x.text, {"sum": x.bound * n, "logsumexp": x.bound + 3}.get(op, x.bound)

    def reduction(self, axes, scope, depth):
        k = self.someAxis(scope)
        op = self.rng.choice(REDUCTIONS)
        inner, i = self.bound(k, scope)
        x = self.real(axes, inner, depth)
        body, bound = self.reduced(op, x, k.size or 6)
        self.note(f"{op} over time" if k.isTime else f"{op} in")
        text = f"({op} {i} in {k.text}: {body})"
        # Over nothing these are infinite; mostly that should not be all there is.
        if k.isTime and op in ("max", "min", "logsumexp") and self.rng.random() < 0.8:
            return Value(f"tanh{text}", Type(axes), 1)
        return Value(text, Type(axes), bound)

    def softmaxLoop(self, axes, scope, depth):
        if len(axes) != 1:
            return None
        inner, i = self.bound(axes[0], scope)
        x = self.limited(self.real((), inner, depth), 8)
        self.note("softmax over time" if axes[0].isTime else "softmax in")
        return Value(f"(softmax {i} in {axes[0].text}: {x.text})", Type(axes), 1)

    def lastAxis(self, axes, scope, depth):
        same = axes and self.rng.random() < 0.5
        k = axes[-1] if same else self.someAxis(scope, self.rng.random() < 0.3)
        if count(axes + (k,)) > 90:
            return None
        x = self.real(axes if same else axes + (k,), scope, depth)
        over = " of a time axis" if k.isTime else ""
        if same:
            name = self.rng.choice(("softmax", "layer_norm"))
            self.note(name + over)
            if name == "softmax":
                x = self.limited(x, 8)
                return Value(f"softmax({x.text})", x.type, 1)
            eps = self.rng.choice((", 0.2", ", eps = 0.1"))
            return Value(f"layer_norm({x.text}{eps})", x.type, 3)
        name = self.rng.choice(("sum", "mean", "logsumexp"))
        self.note(name + "()" + over)
        text = f"{name}({x.text})"
        if k.isTime and name == "logsumexp" and self.rng.random() < 0.8:
            return Value(f"tanh({text})", Type(axes), 1)
        return Value(text, Type(axes), x.bound * ((k.size or 6) if name == "sum" else 1) + 2)

    def firstAxis(self, axes, scope, depth):
        moves = axes and self.rng.random() < 0.6
        k = axes[0] if moves else self.someAxis(scope)
        x = self.real(axes if moves else (k,) + axes, scope, depth)
        over = " of time" if k.isTime else ""
        if not moves:
            name = self.rng.choice(("first", "last"))
            self.note(name + over)
            return Value(f"{name}({x.text})", Type(axes), x.bound)
        if self.rng.random() < 0.35:
            self.note("cumsum" + over)
            x = self.limited(x, 5)
            return Value(f"cumsum({x.text})", x.type, x.bound * (k.size or 6))
        if self.rng.random() < 0.5:
            self.note("reverse" + over)
            return Value(f"reverse({x.text})", x.type, x.bound)
        self.note("shift" + over)
        rest = axes[self.rng.choice((1, 1, len(axes))):]
        fill = (self.real(rest, scope, depth - 1) if self.rng.random() < 0.5
                else Value(self.number(), Type(), 2))
        return Value(f"shift({x.text}, {fill.text})", x.type, max(x.bound, fill.bound))

    def oneHot(self, axes, scope, depth):
        if not axes:
            return None
        i = self.index(axes[:-1], axes[-1], scope, max(depth, 1))
        if not i:
            return None
        self.note("onehot")
        return Value(f"onehot({i})", Type(axes), 1)

    def lookup(self, axes, scope, depth):
        """`e[i]` with an index of some shape in front."""
        cut = self.rng.randint(0, len(axes))
        d = self.someAxis(scope, self.rng.random() < 0.4)
        known = [v.type.index for v in scope.values if v.type.kind == "index" and
                 v.type.axes and v.type.axes == axes[:len(v.type.axes)]]
        if known and self.rng.random() < 0.7:
            cut, d = 1, self.rng.choice(known)
        i = self.index(axes[:cut], d, scope, max(depth, 1))
        if not i or count((d,) + axes[cut:]) > 60:
            return None
        x = self.real((d,) + axes[cut:], scope, depth)
        self.note("lookup by an expression")
        return Value(f"({x.text})[{i}]", Type(axes), x.bound)

    def around(self, axes, scope, depth):
        """What is the identity, but for gradients or when training."""
        x = self.real(axes, scope, depth)
        name = self.rng.choice(("dropout", "dropout", "noise", "stop", "clipgrad"))
        if name == "noise":
            return self.noise(x, axes, scope, depth)
        if name == "dropout":
            p = self.rng.choice((0.2, 0.5))
            if scope.block.kind == "cell" and self.rng.random() < 0.4:
                self.note("dropout tied in a cell")
                return Value(f"dropout({x.text}, {p}, tied = time)", x.type, 2 * x.bound)
            if axes and self.rng.random() < 0.4:
                self.note("dropout tied")
                tied = self.rng.choice(axes)
                if tied.text.isidentifier():
                    return Value(f"dropout({x.text}, {p}, tied = {tied.text})", x.type, 2 * x.bound)
            self.note("dropout")
            return Value(f"dropout({x.text}, {p})", x.type, 2 * x.bound)
        self.note(name)
        # A limit that acts is not the gradient of the value.
        return Value(f"stop({x.text})" if name == "stop" else f"clipgrad({x.text}, 100000)",
                     x.type, x.bound)

    def noise(self, x, axes, scope, depth):
        a, b = (self.limited(self.real(axes[self.rng.randint(0, len(axes)):], scope, depth - 1), 1)
                for _ in range(2))
        kind = self.rng.choice(("normal", "uniform"))
        tied = ""
        if scope.block.kind == "cell" and self.rng.random() < 0.3:
            tied = ", tied = time"
        self.note(f"noise {kind}")
        return Value(f"noise({x.text}, {kind}({a.text}, {b.text}){tied})", x.type, x.bound + 7)

    @staticmethod
    def shaped(text, axes):
        """`x as [..]` keeps what the elements are, and those of `x` may be whole numbers."""
        return f"(real({text}) as {Type(axes)})"

    def renamed(self, axes, scope, depth):
        """`x as [..]`: other axes of the same sizes, or products of axes."""
        if axes and self.rng.random() < 0.5:
            return self.regrouped(axes, scope, depth)
        others = tuple(self.rng.choice([a for a in scope.axes + [literal(axis.size)]
                                        if a.size == axis.size])
                       if not axis.isTime else axis for axis in axes)
        if others == axes or not axes:
            return None
        x = self.real(others, scope, depth)
        self.note("as")
        return Value(self.shaped(x.text, axes), Type(axes), x.bound)

    def regrouped(self, axes, scope, depth):
        """An axis split from a product, or two joined."""
        k = self.rng.randrange(len(axes))
        if axes[k].isTime:
            return None
        if k + 1 < len(axes) and not axes[k + 1].isTime and self.rng.random() < 0.6:
            others = axes[:k] + (literal(axes[k].size * axes[k + 1].size),) + axes[k + 2:]
            self.note("as splits")
        else:
            n = self.rng.choice([n for n in range(1, axes[k].size + 1) if axes[k].size % n == 0])
            others = axes[:k] + (literal(n), literal(axes[k].size // n)) + axes[k + 1:]
            self.note("as joins")
        x = self.real(others, scope, depth)
        return Value(self.shaped(x.text, axes), Type(axes), x.bound)

    def part(self, axes, scope, depth):
        """`x[a..b]` of some axis."""
        if not axes:
            return None
        k = self.rng.randrange(len(axes))
        if axes[k].isTime or count(axes) > 30:
            return None
        before, after = self.rng.randint(0, 2), self.rng.randint(0, 2)
        wide = literal(before + axes[k].size + after)
        x = self.real(axes[:k] + (wide,) + axes[k + 1:], scope, depth)
        begin = str(before) if before or self.rng.random() < 0.5 else ""
        end = str(before + axes[k].size) if after or self.rng.random() < 0.5 else ""
        text = f"{x.text}[{'.., ' * k}{begin}..{end}]"
        self.note("part behind" if k else "part")
        # Its size is a number, whatever the axis is called; all of it keeps its axis.
        if begin or end or axes[k] != wide:
            text = self.shaped(text, axes)
        return Value(text, Type(axes), x.bound)

    def column(self, axes, scope, depth):
        """`x[.., i]`."""
        k = self.rng.randint(0, len(axes))
        d = self.someAxis(scope, False)
        i = self.index((), d, scope, max(depth, 1))
        if not k or not i or count(axes + (d,)) > 60:
            return None
        x = self.real(axes[:k] + (d,) + axes[k:], scope, depth)
        self.note("column")
        return Value(f"{x.text}[{'.., ' * k}{i}]", Type(axes), x.bound)

    def list(self, axes, scope, depth):
        if not axes or axes[0].isTime or axes[0].size > 4:
            return None
        if self.rng.random() < 0.3 and not any(a.isTime for a in axes) and count(axes) < 13:
            def numbers(sizes):
                return ("[" + ", ".join(numbers(sizes[1:]) for _ in range(sizes[0])) + "]" if sizes
                        else f"{self.rng.randint(-20, 20) / 10}")
            self.note("list of numbers")
            return Value(f"({numbers([a.size for a in axes])} as {Type(axes)})", Type(axes), 2)
        items = [self.real(axes[1:], scope, depth) for _ in range(axes[0].size)]
        self.note("list")
        text = ", ".join(x.text for x in items)
        return Value(self.shaped(f"[{text}]", axes), Type(axes), max(x.bound for x in items))

    def join(self, axes, scope, depth):
        if not axes or axes[-1].isTime:
            return None
        last = axes[-1]
        if last.parts:
            a, b = last.parts
        elif last.text.isdigit() and last.size > 1:
            n = self.rng.randint(1, last.size - 1)
            a, b = literal(n), literal(last.size - n)
        else:
            return None
        x, y = (self.real(axes[:-1] + (part,), scope, depth) for part in (a, b))
        self.note("++")
        return Value(f"({x.text} ++ {y.text})", Type(axes), max(x.bound, y.bound))

    # Indices and bits: texts alone, or None.

    def index(self, axes, axis, scope, depth):
        wanted = Type(axes, "index", axis)
        # A step of a time axis can only look up.
        options = [] if axis.isTime else (
            [v.text for v in scope.ofType(wanted)] * 2 +
            [v.text for _, v in self.lookups(wanted, scope)])
        if axes and depth > 0 and self.rng.random() < 0.35:
            x = self.index(axes, axis, scope, depth - 1)
            if x:
                name = self.rng.choice(("reverse", "shift"))
                self.note(f"{name} of indices")
                fill = self.rng.randrange(axis.size) if axis.size else 0
                if name == "reverse" or axis.isTime or len(axes) > 1:
                    return f"reverse({x})"
                return f"shift({x}, {fill})"
        if options and self.rng.random() < 0.6:
            self.note("index value")
            return self.rng.choice(options)
        if depth <= 0:
            return self.rng.choice(options) if options else None
        if axes and self.rng.random() < 0.5:
            inner, i = self.bound(axes[0], scope)
            one = self.index(axes[1:], axis, inner, depth - 1)
            if one:
                self.note("for of indices")
                return f"(for {i} in {axes[0].text}: {one})"
        if not axes and self.rng.random() < 0.5:
            inner, i = self.bound(axis, scope)
            self.note("argmax over time" if axis.isTime else "argmax in")
            return f"(argmax {i} in {axis.text}: {self.real((), inner, depth - 1).text})"
        if count(axes + (axis,)) > 60:
            return None
        self.note("argmax()")
        return f"argmax({self.real(axes + (axis,), scope, depth - 1).text})"

    def bit(self, axes, scope, depth):
        bits = [v.text for v in scope.ofType(Type(axes, "bit"))]
        bits += [v.text for _, v in self.lookups(Type(axes, "bit"), scope)]
        if bits and self.rng.random() < 0.9:
            self.note("bit")
            return self.rng.choice(bits)
        if depth > 0 and self.rng.random() < 0.25:
            op = self.rng.choice(("and", "or", "not"))
            self.note(op)
            a = self.bit(axes, scope, depth - 1)
            if op == "not":
                return f"(not {a})"
            b = self.bit(self.rng.choice((axes, ())), scope, depth - 1)
            return f"({a} {op} {b})" if self.rng.random() < 0.5 else f"({b} {op} {a})"
        if not axes and self.rng.random() < 0.5:
            bound = [v for v in scope.values if v.isPlace]
            pairs = [(a, b) for a in bound for b in bound
                     if a.type == b.type and a.text != b.text]
            other = None
            if pairs:
                a, b = self.rng.choice(pairs)
                other = b.text
            elif bound:
                a, other = self.rng.choice(bound), self.rng.choice(("1", "2", "0.5"))
            if other:
                self.note("order of places")
                return f"({a.text} {self.rng.choice(('<', '>', '<=', '>='))} {other})"
        if self.rng.random() < 0.2:
            axis = self.someAxis(scope, False)
            a = self.index(axes, axis, scope, depth - 1)
            b = a and self.index((), axis, scope, depth - 1)
            if b:
                self.note("equal indices")
                return f"({a} {self.rng.choice(('==', '!='))} {b})"
        x, y = self.suffixPair(axes, scope, min(depth, 1))
        self.note("comparison")
        # Not a value with itself: which is larger would be a matter of rounding.
        return f"({x.text} {self.rng.choice(('<', '>', '<=', '>='))} {y.text} + 0.013)"
