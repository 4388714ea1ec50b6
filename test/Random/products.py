"""Random sums of products: of any axes, in any order, as `for`, `sum` and `@`."""
import re

from expressions import *
from syntax import *


class Products(Expressions):
    def product(self, axes, scope, depth):
        """A sum of products of two or three tensors, over one or two axes that
        may stand anywhere in them."""
        rng = self.rng
        summed = [self.someAxis(scope) for _ in range(rng.choice((1, 1, 1, 2)))]
        places = [(scope.block.fresh("i"), a) for a in [*axes, *summed]]
        kept, over = places[:len(axes)], places[len(axes):]
        operands = self.operands(kept, over)
        if not operands:
            return None
        inner = scope
        for _ in places:
            inner = inner.inner()
        bound, factors = 1, []
        for one in operands:
            x = self.limited(self.real(tuple(a for _, a in one), scope, depth), 2)
            bound *= x.bound
            factors.append(self.at(x, [i for i, _ in one]))
        text = " * ".join(factors)
        rng.shuffle(over)
        for i, a in over:
            text = f"(sum {i} in {a.text}: {text})"
            bound *= a.size or 6
        for i, a in reversed(kept):
            text = f"(for {i} in {a.text}: {text})"
        self.note(f"products summed over {('one axis', 'two axes')[len(over) - 1]}")
        return Value(text, Type(axes), bound)

    def operands(self, kept, over):
        """Which axes each has: all that are summed twice at least once, the
        others by chance; or nothing if they would be too large."""
        rng = self.rng
        found = [[] for _ in range(rng.choice((2, 2, 3)))]
        for one in over:
            for operand in rng.sample(found, rng.choice((1, 2, 2, len(found)))):
                operand.append(one)
        for one in kept:
            for operand in rng.sample(found, rng.choice((1, 1, 2))):
                operand.append(one)
        for operand in found:
            rng.shuffle(operand)
            axes = [a for _, a in operand]
            if count(axes) > 90 or len(axes) > 4 or sum(a.isTime for a in axes) > 2:
                return None
        return [one for one in found if one]

    def at(self, x, places):
        """`x[i, j]`, in one of the ways to write it."""
        text = x.text if re.fullmatch(r"[\w.']+", x.text) else f"({x.text})"
        if not places:
            return text
        if self.rng.random() < 0.3:
            return text + "".join(f"[{i}]" for i in places)
        if self.rng.random() < 0.3:  # the last one first
            return f"{text}[{'.., ' * (len(places) - 1)}{places[-1]}]" + "".join(f"[{i}]" for i in places[:-1])
        return f"{text}[{', '.join(places)}]"

    def packed(self, axes, scope, depth):
        """`for g in G: x @ U[g] @ z`: a matrix for each block, with what stands on either side."""
        rng = self.rng
        if not axes:
            return None
        g, rest = axes[0], axes[1:]
        left, right = self.someAxis(scope), self.someAxis(scope)
        hasLeft, cut = rng.random() < 0.6, rng.randint(0, len(rest))
        hasRight = not hasLeft or rng.random() < 0.6
        wanted = ((left,) if hasLeft else rest[:cut]) + ((right,) if hasRight else rest[cut:])
        if count((g,) + wanted) > 90 or len(wanted) > 3 or sum(a.isTime for a in (g,) + wanted) > 2:
            return None
        inner, i = self.bound(g, scope)
        matrix = self.limited(self.real((g,) + wanted, scope, depth), 2)
        text, bound = self.at(matrix, [i]), matrix.bound
        if hasLeft:
            x = self.ofBlock(rest[:cut] + (left,), g, i, scope, inner, depth)
            text, bound = f"{x.text} @ {text}", bound * x.bound * (left.size or 6)
        if hasRight:
            x = self.ofBlock((right,) + rest[cut:], g, i, scope, inner, depth)
            text, bound = f"{text} @ {x.text}", bound * x.bound * (right.size or 6)
        self.note("packed matrices")
        return Value(f"(for {i} in {g.text}: {text})", Type(axes), bound)

    def ofBlock(self, shape, g, i, scope, inner, depth):
        """The same for all blocks, or one of its own for each."""
        if self.rng.random() < 0.4 and count((g,) + shape) <= 60:
            x = self.limited(self.real((g,) + shape, scope, depth), 2)
            return Value(self.at(x, [i]), Type(shape), x.bound)
        x = self.limited(self.real(shape, inner, depth), 2)
        return Value(f"({x.text})", Type(shape), x.bound)
