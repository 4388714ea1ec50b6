"""Types and scopes of the programs that generate.py writes."""
import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Axis:
    """A size as it is written. Two are equal if they are written alike."""
    text: str
    size: int = 0  # 0: a time axis
    labels: tuple = ()
    parts: tuple = ()  # of a sum
    isSize: bool = False  # of a model; a cell gets it in brackets

    @property
    def isTime(self):
        return self.size == 0


def literal(n):
    return Axis(str(n), n)


def joined(a, b):
    """a + b: the axis of `++`."""
    if a.text.isdigit() and b.text.isdigit():
        return literal(a.size + b.size)
    return Axis(f"{a.text} + {b.text}", a.size + b.size, parts=(a, b))


@dataclasses.dataclass(frozen=True)
class Type:
    axes: tuple = ()
    kind: str = "real"  # or index, bit, int
    index: Axis = None

    def __str__(self):
        axes = "[" + ", ".join(a.text for a in self.axes) + "]" if self.axes else ""
        if self.kind == "index":
            return f"{axes} in {self.index.text}".strip()
        if self.kind == "real":
            return axes or "real"
        return f"{axes} {self.kind}".strip()


@dataclasses.dataclass(frozen=True)
class Value:
    """An expression: its text and, of numbers, how large it can be."""
    text: str
    type: Type
    bound: float = 1.5
    isPlace: bool = False  # the index of a binder


def count(axes):
    """Elements, time axes taken as 4 steps."""
    n = 1
    for axis in axes:
        n *= axis.size or 4
    return n


def isSuffix(small, large):
    return len(small) <= len(large) and large[len(large) - len(small):] == small


@dataclasses.dataclass
class Signature:
    """A cell, a layer or a function that can be used."""
    name: str
    kind: str
    inputs: list
    out: Type
    constants: list = dataclasses.field(default_factory=list)
    states: dict = dataclasses.field(default_factory=dict)  # path: axes
    bound: float = 1.5
    sizes: str = ""  # `[A, B]`, what stands behind the name
    constantNames: list = dataclasses.field(default_factory=list)
    isChain: bool = False


class Scope:
    """What can be read where an expression stands, and the block that gets its
    parameters and instances."""

    def __init__(self, block, axes, times):
        self.block = block
        self.axes = list(axes)   # fixed
        self.times = list(times)
        self.values = []
        self.loops = 0           # binders around

    def inner(self):
        scope = Scope(self.block, self.axes, self.times)
        scope.values = list(self.values)
        scope.loops = self.loops + 1
        return scope

    def ofType(self, type):
        return [v for v in self.values if v.type == type]


class Block:
    """The body of a layer, a cell, a function or a model."""

    def __init__(self, kind):
        self.kind = kind
        self.head = []      # declarations
        self.lines = []
        self.names = collections.Counter()
        self.params = 0
        self.instances = []  # (name, signature) that may be used again

    def fresh(self, stem):
        self.names[stem] += 1
        return f"{stem}{self.names[stem]}"

    def text(self):
        return "".join(f"  {line}\n" for line in self.head + self.lines)
