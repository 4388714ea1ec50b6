"""Random well-typed programs: `program(seed, tag)` gives the text of one and what is
in it. Programs of different tags can stand in one file."""
import collections
import random
import re

from distributions import *
from recurrences import *


class Generator(Distributions, Recurrences):
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
        self.law = None   # what the dist of the last output has, if it is no built-in one
        self.laws = []    # of all outputs
        self.nested = None  # the input along an axis inside of another
        self.wanted = None  # what an output is to be, and its type

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
                type = Type(axes[:1] if rng.random() < 0.4 else (), "int")
            else:
                type = Type(axes)
            self.note(f"input of {type.kind}")
            texts.append(f"x{k} : {type}")
            scope.values.append(Value(f"x{k}", type, 3 if type.kind == "int" else 1.5))
        return texts

    def elements(self, scope, inputs):
        """An input along an axis L inside of T, and what is made of each element of T."""
        self.nested = None
        if not self.hasInner or not scope.times:
            return []
        t, own = scope.times[0], random.Random(f"deep {self.seed}")
        inner = [Axis("L"), Axis("W")][:1 if own.random() < 0.6 else 2]
        if len(inner) == 2:
            self.note("axes three deep")
        self.nested = Type((t, *inner) + self.someAxes(scope, 1, times=False))
        inputs.append(f"n0 : {self.nested}")
        for _ in range(self.rng.choice((1, 1, 2))):
            self.ofElements("n0", self.nested, scope)
        self.note("axis inside of another")
        return inner

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
        """The distribution of an output of this type, or of each entry of it."""
        own = random.Random(f"entries {self.seed} {len(scope.block.lines)} {scope.loops}")
        if not type.axes or own.random() > 0.2:
            return self.distribution(type, scope)
        inner, i = self.bound(type.axes[0], scope)
        self.note("distribution of each entry")
        one = Type(type.axes[1:], type.kind, type.index)
        return f"for {i} in {type.axes[0].text}: {self.observation(one, inner)}"

    def distribution(self, type, scope):
        given = self.wholeSequence(type, scope) or self.ownDistribution(type, scope)
        if given:
            return given
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

    def rareOutput(self, axes, scope):
        """What is seldom met by chance: its name, and the type that it needs."""
        own = random.Random(f"rare {self.seed}")
        symbols = [a for a in axes if not (a.parts or a.labels) and a.size > 1]
        if own.random() > 0.4 or not symbols:
            return None
        name = own.choice(("ctc", "ctc", "hmm", "poisson", "unfold", "unfold", "unfold"))
        if name == "poisson":
            return name, Type(self.someAxes(scope, 2, mostTimes=1))
        scope.times = [Axis("T"), Axis("S")][:2 if name == "ctc" else own.randint(1, 2) if name == "unfold" else 1]
        return name, Type((scope.times[-1],), "index", own.choice(symbols))

    def sized(self, axes):
        """The axes with a size of the model among them, how it is declared and exported."""
        own = random.Random(f"size {self.seed}")
        if own.random() > 0.25:
            return axes, "", ""
        n = own.randint(1, 4)
        size = Axis(self.top("N"), n, isSize=True)
        self.note("size of a model")
        default = own.choice(("", f" = {n}", f" = {own.randint(1, 4)}"))
        axes = axes + [size] * 2
        if own.random() < 0.3:
            axes.append(joined(axes[0], size))
        return axes, f"[{size.text}{default}]", f"[{n}]"

    def model(self, axes):
        axes, sizes, given = self.sized(axes)
        scope = Scope(Block("model"), axes, self.times())
        block = scope.block
        rng = self.rng
        self.wanted = self.rareOutput(axes, scope)
        inputs = self.inputs(scope, rng.choice((1, 1, 2, 3)), True)
        outputs = []
        for k in range(self.rng.choice((0, 1, 1, 1, 2))):
            first = self.someAxes(scope, 2, mostTimes=1)
            kind = self.rng.choice(("real", "index", "bit"))
            type = Type(first[:1], "index", self.rng.choice([a for a in axes if not a.parts])) \
                if kind == "index" else Type(first, kind)
            own = random.Random(f"place {self.seed} {k}")
            known = [t for t in scope.times if any(f"{t.text}]" in s or f"{t.text}," in s for s in inputs)]
            if known and own.random() < 0.12:
                type = Type(first[:1], "index", own.choice(known))
                self.note("place as an output")
            outputs.append((f"y{k + 100}", type))
        if self.wanted:
            outputs = [("y100", self.wanted[1])]
        shown = inputs + [str(t) for _, t in outputs]
        scope.times = [t for t in scope.times
                       if any(f"{t.text}]" in s or f"{t.text}," in s for s in shown)]
        inner = self.elements(scope, inputs)
        self.body(scope)
        self.unfolds, self.dependsOnInputs, self.readsItself, self.drawnTypes = 0, False, False, []
        for name, type in outputs:
            self.law = None
            unfolds = self.wanted[0] in ("hmm", "unfold") if self.wanted else rng.random() <= 0.4
            if not unfolds or not self.unfold(name, type, scope):
                block.lines.append(f"{name} ~ {self.observation(type, scope)}")
            self.laws.append(self.law)
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
        self.items.append(f"model {name}{sizes} {{\n{times}{declared}{block.text()}}}\n")
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
        functions += self.draws([type for _, type in outputs], seen)
        self.items.append(f"export {', '.join(f'{name}{given}.{f}' for f in functions)}\n")
        self.note("model")

    def draws(self, outputs, seen):
        """Functions that draw, search, or begin a sequence."""
        own = random.Random(f"draws {self.seed}")
        if own.random() > 0.6 or not outputs:
            return ()
        lawless = all(law is None for law in self.laws)
        if not self.unfolds:
            if not seen:
                return ()
            chosen = ()
            if all(law is None or law["sample"] for law in self.laws):
                self.note("sample of each output" if lawless else "sample of a line sample")
                chosen += ("sample",)
            if len(outputs) == 1 and self.laws[0] and self.laws[0]["beam"] and (
                    self.laws[0].get("whole") or not outputs[0].axes):
                self.note("beam of a line beam")
                chosen += ("beam",)
            return chosen
        if len(outputs) != 1 or self.readsItself:
            return ()
        if not lawless and not self.laws[0]["sample"]:
            return ()
        chosen = [own.choice(("sample", "sample", "sample(temperature = 0.7, top_k = 2)", "sample(top_p = 0.8)",
                              "sample(paths = 2)" if self.dependsOnInputs else "sample"))
                  if lawless else "sample"]
        if lawless and outputs[0].kind == "index" and len(outputs[0].axes) == 1:
            chosen.append(own.choice(("beam(width = 3)", "beam(width = 3, best = 2)",
                                      "beam(width = 2, length_penalty = 0.5)")))
            self.note("beam")
        if self.dependsOnInputs:
            chosen += own.choice((["predict"], ["begin", "step"], ["predict", "begin", "step"]))
            self.note("begin" if "begin" in chosen else "predict of an unfold")
        self.note("sample of an unfold")
        return tuple(chosen)

    def carries(self, scope):
        """Whether chunks can go on from the ones before."""
        text = "".join(self.items)
        isWhole = any(law and law.get("isSequence") for law in self.laws)
        fed = [t for t in self.drawnTypes if t.kind != "index" or len(t.axes) != 1]
        return (self.keepsStates and len(scope.times) == 1 and not isWhole and self.unfolds < 2 and
                not (self.unfolds and (self.dependsOnInputs or fed)) and
                not re.search(r" backward|\bshift\(|, L\b", text) and
                not re.search(r"attend|conv|pool|both_ends|^bi(rnn|lstm|gru|directional)$", "\n".join(self.met), re.M))

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
        own = random.Random(f"carry {self.seed}")
        if own.random() < 0.8 and self.carries(scope):
            lines = [line for line in lines if "bptt" not in line] + [f"bptt {own.choice((2, 3, 100))} carry"]
            self.note("bptt carry of an unfold" if self.unfolds else "bptt carry")
        fed = rng.choice(("0.3", "0.7", "1")) if self.unfolds and rng.random() < 0.5 else ""
        own = random.Random(f"feed {self.seed}")
        if fed and all(law is None or law["sample"] for law in self.laws):
            if own.random() < 0.3:
                fed = own.choice(("sigmoid(k = 1)", "sigmoid(k = 2.5)", "exponential(k = 0.5)",
                                  "linear(to = 1, until = 3)"))
                self.note("feed schedule")
            lines.append(f"feed sampled {fed}")
            self.note("feed sampled")
        if own.random() < 0.1:
            lines.append("decay 0.05")
            self.note("decay")
        own = random.Random(f"rates {self.seed}")
        if own.random() < 0.3:
            schedule = own.choice(("constant", "cosine(warmup = 2)", "linear(hold = 0.5)", "step(every = 1, by = 0.5)",
                                   "step(every = 2, by = 0.3, after = 1)", "plateau(patience = 2, by = 0.1)",
                                   "onecycle(peak = 0.02)"))
            lines.append(f"schedule {schedule}")
            self.note("schedule " + schedule.split("(")[0])
        if own.random() < 0.15:
            lines.append("init ~ " + own.choice(("uniform(-0.3, 0.3)", "normal(0, 0.2)", "glorot")))
            self.note("init")
        if names and own.random() < 0.15:
            lines.append(f"init {own.choice(names)} ~ {own.choice(('uniform(-0.1, 0.4)', 'normal(0.1, 0.2)'))}")
            self.note("init of a path")
        # Numbers of its own: programs of known seeds stay what they are.
        own = random.Random(f"checkpoint {self.seed}")
        if own.random() < 0.35 and scope.times:
            policy = own.choice(("sqrt", "every 1", "every 2", "every 3", "memory 20kB", "none"))
            lines.append(f"checkpoint {policy}")
            self.note("checkpoint " + policy.split()[0])
        own = random.Random(f"lazy {self.seed}")
        if names and own.random() < 0.25:
            lines.append(f"lazy {own.choice(names)}")
            self.note("lazy")
        own = random.Random(f"accumulate {self.seed}")
        if own.random() < 0.5 and "per example" in lines:
            lines.append("accumulate 3")
            self.note("accumulate")
        return f"train {name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"

    def program(self):
        axes = self.dims = self.makeAxes()
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
