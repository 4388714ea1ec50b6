"""Random uses of layers of std.rnn that run along an axis themselves."""
from products import *
from syntax import *

BOTH = ("birnn", "bilstm", "bigru", "bidirectional")


class Library(Products):
    def alongAxis(self, axes, scope, depth):
        """A convolution, windows, both directions, attention: by the axes that are wanted."""
        if scope.block.kind == "fn" or scope.block.params > 5 or any(a.isTime for a in axes[1:]):
            return None
        if len(axes) == 1 and not axes[0].isTime:
            maker = self.rng.choice((self.attention, self.ends, self.ends)) if axes[0].size % 2 == 0 else self.attention
            return maker(axes[0], scope, depth)
        if len(axes) == 2:
            makers = (self.window, self.directions) if axes[0].isTime else (self.picture,)
            return self.rng.choice(makers)(axes, scope, depth)
        if len(axes) == 3 and not axes[0].isTime:
            return self.picture(axes, scope, depth)
        return None

    def instance(self, text, scope):
        name = scope.block.fresh("a")
        scope.block.params += 2
        scope.block.head.append(f"use {name} = {text}")
        self.usesStd = True
        return name

    def window(self, axes, scope, depth):
        rng, out = self.rng, axes[1].text
        inner = rng.choice(scope.axes)
        kind, sizes, inner = rng.choice((
            ("conv1d", f"[{inner.text}, {out}, {rng.choice((1, 1, 2))}]", inner),
            ("causal_conv1d", f"[{inner.text}, {out}, {rng.choice((1, 2, 3))}]", inner),
            ("max_pool1d", f"[{out}, {rng.choice((1, 2))}]", axes[1])))
        name = self.instance(kind + sizes, scope)
        x = self.limited(self.real((axes[0], inner), scope, depth), 3)
        self.note(kind)
        bound = x.bound if kind == "max_pool1d" else 2 * x.bound + 1
        return Value(f"{name}({x.text})", Type(axes), bound)

    def directions(self, axes, scope, depth):
        size = axes[1].size
        if size % 2:
            return None
        inner, half = self.rng.choice(scope.axes), literal(size // 2)
        kind = self.rng.choice(BOTH)
        sizes = f"{inner.text}, {half.text}"
        cell = f"[{self.rng.choice(('gru', 'peephole', 'qrnn'))}[{sizes}]]"
        name = self.instance(kind + (cell if kind == "bidirectional" else f"[{sizes}]"), scope)
        x = self.limited(self.real((axes[0], inner), scope, depth), 3)
        self.note(kind)
        return Value(self.shaped(f"{name}({x.text})", axes), Type(axes), 1)

    def ends(self, m, scope, depth):
        if not scope.times:
            return None
        rng, half = self.rng, literal(m.size // 2)
        t, inner = rng.choice(scope.times), rng.choice(scope.axes)
        cell = rng.choice(("rnn_tanh", "gru", "lstm"))
        name = self.instance(f"both_ends[{cell}[{inner.text}, {half.text}]]", scope)
        x = self.limited(self.real((t, inner), scope, depth), 3)
        self.note("both_ends")
        return Value(self.shaped(f"{name}({x.text})", (m,)), Type((m,)), 1)

    def attention(self, m, scope, depth):
        if not scope.times:
            return None
        s, q, a = self.rng.choice(scope.times), self.rng.choice(scope.axes), self.rng.randint(1, 3)
        kind, sizes, q = self.rng.choice((
            ("attend", f"[{q.text}, {m.text}, {a}]", q), ("attend_dot", f"[{m.text}]", m),
            ("attend_bilinear", f"[{q.text}, {m.text}]", q)))
        name = self.instance(kind + sizes, scope)
        found = [v for v in scope.values if v.type == Type((s, m))]
        mem = self.rng.choice(found) if found and self.rng.random() < 0.7 else self.real((s, m), scope, depth)
        asked, mem = self.limited(self.real((q,), scope, depth), 3), self.limited(mem, 2)
        self.note(kind)
        return Value(f"{name}({asked.text}, mem = {mem.text})", Type((m,)), mem.bound)

    def picture(self, axes, scope, depth):
        rng = self.rng
        if len(axes) == 3 and rng.random() < 0.6:
            a, b, inner = axes
            n = rng.choice((1, 2, 2, 3))
            if count(axes) * n * n > 90:
                return None
            kind = rng.choice(("max_pool2d", "mean_pool2d"))
            name = self.instance(f"{kind}[{inner.text}, {a.size}, {b.size}, {n}]", scope)
            x = self.real((literal(n * a.size), literal(n * b.size), inner), scope, depth)
            self.note(kind)
            return Value(self.shaped(f"{name}({x.text})", axes), Type(axes), x.bound)
        a, b = axes[:2]
        inner, out = rng.choice(scope.axes), axes[2].text if axes[2:] else "1"
        if count((a, b, inner)) > 60:
            return None
        name = self.instance(f"conv2d[{inner.text}, {out}, {rng.choice((1, 1, 2))}, {a.text}, {b.text}]", scope)
        x = self.limited(self.real((a, b, inner), scope, depth), 2)
        self.note("conv2d")
        return Value(f"{name}({x.text})" + ("" if axes[2:] else "[.., .., 0]"), Type(axes), 3 * x.bound + 1)
