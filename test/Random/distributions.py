"""Random distributions: those that a program declares, and some of std.rnn."""
import random

from cells import *
from syntax import *

# Of one draw: what it is given, -log p up to what is added, the mode, and a draw.
LAWS = {
    "real": (
        ("logistic", "m: real, s: real",
         ["z = (y - m) / (abs(s) + 0.6)"],
         "-z - 2 * softplus(-z) - log(abs(s) + 0.6)", "m",
         "m + (abs(s) + 0.6) * (log(noise(0.01, uniform(0, 0.97))) - log(noise(0.01, uniform(0, 0.97))))"),
        ("gaussian", "m: real, s: real", [],
         "-0.5 * ((y - m) / (0.5 + s * s)) ^ 2 - log(0.5 + s * s)", "m + 0.1 * s",
         "m + (0.5 + s * s) * noise(0, normal(0, 1))")),
    "bit": (
        ("coin", "m: real", [], "if y then -softplus(-m) else -softplus(m)", "m > 0",
         "noise(0, uniform(0, 1)) < sigmoid(m)"),),
    "index": (
        ("choice", "s: [{axis}]", ["p = s - logsumexp(s)"], "p[y]", "argmax(s)",
         "argmax(s - log(-log(noise(0 * s, uniform(0, 1)))))"),),
}


class Distributions:
    """Mixed into the generator. `self.law` says what stands in the output's dist."""

    def ownDistribution(self, type, scope):
        """The call of a distribution of one's own, for draws of this type."""
        own = random.Random(f"law {self.seed} {len(self.items)} {len(scope.block.lines)}")
        if own.random() > 0.3:
            return None
        if type.kind == "int" or (type.index and (type.index.isTime or type.index.labels or type.index.isSize)):
            return None
        name, args, lines, logp, mode, draw = own.choice(LAWS[type.kind])
        axis = type.index.text if type.index else ""
        single = Type((), type.kind, type.index)
        law = self.declared(own, name, args.format(axis=axis), lines, logp, mode, draw, single)
        wanted = type.axes + ((type.index,) if type.index else ())
        given = [self.limited(self.result(wanted, scope, 1), 5).text]
        if "s: real" in args:
            # The other one may have the last axes only.
            rest = type.axes[own.randint(0, len(type.axes)):]
            given.append(self.limited(self.real(rest, scope, 1), 2).text)
        self.note("own distribution")
        self.note(f"{type.kind} output")
        return f"{law}({', '.join(given)})"

    def declared(self, own, name, args, lines, logp, mode, draw, single):
        """A `dist` item with what is optional drawn."""
        scope = Scope(Block("fn"), [a for a in self.dims if not a.parts], [])
        for one in args.split(", "):
            label, type = one.split(": ")
            axes = () if type == "real" else tuple(a for a in self.dims if a.text == type[1:-1])[:1]
            scope.values.append(Value(label, Type(axes), 2))
        more = self.limited(self.real((), scope, 1), 1).text
        scope.values.append(Value("y", single, 2))
        extra = self.limited(self.real((), scope, 2), 1).text
        # What draws has no place in a probability.
        noisy = any(word in more + extra for word in ("dropout", "noise"))
        body = [*lines, f"logp = {logp}" + ("" if noisy else f" + 0.3 * ({extra}) + 0.2 * {more}"), f"mode = {mode}"]
        self.law = {"sample": own.random() < 0.8, "beam": own.random() < 0.4}
        if self.law["sample"]:
            body.append(f"sample = {draw}")
            self.note("line sample")
        if self.law["beam"]:
            n = own.randint(1, 3)
            score = f"score = for n in {n}: -0.5 * n + " + ("(max q in {axis}: s[q])".format(axis=single.index.text) if single.index else "0.3 * m")
            best = {"real": "m - 0.4 * n", "bit": "m + n > 0.5",
                    "index": f"argmax(if n == 0 then s else -s)"}[single.kind]
            body += [f"beam = for n in {n}: {best}", score]
            self.note("lines beam and score")
        law = self.top(name)
        self.items.append(f"dist {law}({args}) for y: {single} {{\n" +
                          "".join(f"  {line}\n" for line in body) + "}\n")
        return law

    def wholeSequence(self, type, scope):
        """A distribution of all elements of a sequence at once, of std.rnn."""
        own = random.Random(f"whole {self.seed} {len(scope.block.lines)}")
        wanted = self.wanted[0] if self.wanted and not scope.loops and scope.block.kind == "model" else None
        if not wanted and (own.random() > (0.25 if type.kind == "real" else 0.7) or scope.block.kind != "model" or scope.loops):
            return None
        if type.kind == "index" and len(type.axes) == 1 and type.axes[0].isTime and not (
                type.index.isTime or type.index.labels or type.index.parts) and type.index.size > 1:
            others = [t for t in scope.times if t != type.axes[0]]
            if others and (own.random() < 0.6 or wanted):
                return self.ctc(own, others[0], type, scope)
            x = self.limited(self.result(type.axes + (type.index,), scope, 1), 6)
            a = self.limited(self.real((type.index, type.index), scope, 1), 3)
            self.usesStd = True
            self.law = {"sample": False, "beam": False, "isSequence": True}
            self.note("crf")
            return f"crf({x.text}, {a.text})"
        if type.kind == "real" and (own.random() < 0.4 or wanted):
            rate = self.limited(self.result(type.axes, scope, 1), 3)
            self.usesStd = True
            self.law = {"sample": True, "beam": False}
            self.note("poisson")
            return f"poisson(softplus({rate.text}) + 0.3)"
        if type.kind == "real" and len(type.axes) <= 1:
            n = literal(own.randint(1, 3))
            args = [self.limited(self.result(type.axes + (n,), scope, 1), 4).text]
            args.append(self.limited(self.real(type.axes + (n,), scope, 1), 4).text)
            args.append(f"softplus({self.limited(self.real(type.axes + (n,), scope, 1), 3).text}) + 0.5")
            self.usesStd = True
            self.law = {"sample": True, "beam": False}
            self.note("mixture")
            return f"mixture({', '.join(args)})"
        return None

    def ctc(self, own, t, type, scope):
        """Labels of a sequence that are in none of its steps alone."""
        x = self.limited(self.result((t, type.index), scope, 1), 4)
        self.usesStd = True
        name, self.law = "ctc", {"sample": False, "beam": False, "isSequence": True}
        if own.random() < 0.7:
            name = own.choice(("ctc_beam", "ctc_beam[3]", "ctc_beam[4, 2]"))
            self.law = {"sample": False, "beam": True, "whole": True, "isSequence": True}
        self.note(name.split("[")[0])
        return f"{name}({x.text})"
