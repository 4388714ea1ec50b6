"""The layers that are measured: their source for rnnc, their weights and data."""
import dataclasses

import numpy as np

GATES = {"lstm": ("W U b", 4), "gru": ("W U b d", 3), "rnn_tanh": ("W U b", 1), "peephole": ("W U b P", 4),
         "ln_lstm": ("W U b gx gh gc bc", 4), "minimal_gru": ("Wf Wn Uf Un bf bn", 2)}


@dataclasses.dataclass
class Shape:
    """`hidden` units that read `hidden` inputs; `ragged`: lengths between two numbers."""
    cell: str
    hidden: int
    batch: int
    steps: int
    layers: int = 1
    both: bool = False
    ragged: tuple = None

    @property
    def lengths(self):
        if self.ragged is None:
            return None
        low, high = self.ragged
        drawn = np.random.default_rng(2).integers(low, high + 1, self.batch).astype(np.int32)
        drawn[0] = high
        return drawn

    @property
    def flops(self):
        """Of the matrix products of a forward, valid steps only."""
        steps = self.batch * self.steps if self.ragged is None else int(self.lengths.sum())
        return 2 * GATES[self.cell][1] * self.hidden * 2 * self.hidden * steps * self.layers * (2 if self.both else 1)

    @property
    def parts(self):
        """Names of the layers' instances."""
        return ["fw", "bw"] if self.both else [f"l{k}" for k in range(self.layers)]

    @property
    def outputs(self):
        return self.hidden * (2 if self.both else 1)


SHAPES = {
    "lstm-h32": Shape("lstm", 32, 1, 100), "lstm-h64": Shape("lstm", 64, 1, 100),
    "lstm-h128": Shape("lstm", 128, 1, 100), "lstm-h256": Shape("lstm", 256, 1, 100),
    "lstm-h384": Shape("lstm", 384, 1, 100), "lstm-h512": Shape("lstm", 512, 1, 25),
    "lstm-h1024": Shape("lstm", 1024, 1, 25),
    "lstm-h256-b16": Shape("lstm", 256, 16, 150), "lstm-h512-b16": Shape("lstm", 512, 16, 25),
    "lstm-h512-b64": Shape("lstm", 512, 64, 25), "lstm-h1024-b64": Shape("lstm", 1024, 64, 25),
    "gru-h32": Shape("gru", 32, 1, 100), "gru-h128": Shape("gru", 128, 1, 100),
    "gru-h1024": Shape("gru", 1024, 1, 100), "gru-h256-b16": Shape("gru", 256, 16, 100),
    "gru-h1024-b32": Shape("gru", 1024, 32, 50), "rnn-h1760-b16": Shape("rnn_tanh", 1760, 16, 50),
    "lstm-2x256-b16": Shape("lstm", 256, 16, 100, layers=2), "bilstm-h256-b16": Shape("lstm", 256, 16, 100, both=True),
    "lstm-4x128-b32": Shape("lstm", 128, 32, 100, layers=4),
    "lstm-h256-b32-ragged": Shape("lstm", 256, 32, 200, ragged=(10, 200)),
    "lnlstm-h256-b16": Shape("ln_lstm", 256, 16, 100), "mgu-h256-b16": Shape("minimal_gru", 256, 16, 100),
    "peephole-h256-b16": Shape("peephole", 256, 16, 100),
    # units that fill no whole vectors
    "lstm-h100-b16": Shape("lstm", 100, 16, 100), "lstm-h650-b20": Shape("lstm", 650, 20, 35),
    # for a quick look, and for the test of this program
    "tiny-lstm": Shape("lstm", 8, 3, 5, ragged=(2, 5)), "tiny-gru": Shape("gru", 8, 2, 4, layers=2),
}


def source(shape):
    """The layer in the language, exported with its gradient."""
    h, use = shape.hidden, ", ".join(f"{part} = {shape.cell}[{shape.hidden}, {shape.hidden}]" for part in shape.parts)
    value = "(scan fw over x) ++ (scan bw over x backward)" if shape.both else "x"
    for part in [] if shape.both else shape.parts:
        value = f"(scan {part} over {value})"
    return (f"import std\n\nlayer net[time T](x: [T, {h}]) -> [T, {shape.outputs}] {{\n  use {use}\n"
            f"  out {value}\n}}\n\nexport net.forward, net.vjp\n")


def weights_of(shape):
    """Seeded weights by rnnc's names, inputs, and the cotangent of the output."""
    random = np.random.default_rng(1)
    h, gates = shape.hidden, GATES[shape.cell][1]
    sizes = {"W": (gates, h, h), "U": (gates, h, h), "P": (3, h), "gx": (gates, h), "gh": (gates, h)}
    weights = {}
    for part in shape.parts:
        for name in GATES[shape.cell][0].split():
            matrix = shape.cell == "minimal_gru" and name[0] in "WU"
            size = (h, h) if matrix else sizes.get(name, (gates, h) if name in "bd" else (h,))
            drawn = random.uniform(-1, 1, size) / np.sqrt(h)
            weights[f"{part}.{name}"] = (1 + drawn if name in ("gx", "gh", "gc") else drawn).astype(np.float32)
    if shape.cell == "rnn_tanh":
        weights = {k: v[0] for k, v in weights.items()}
    x = random.standard_normal((shape.batch, shape.steps, h)).astype(np.float32)
    cot = random.standard_normal((shape.batch, shape.steps, shape.outputs)).astype(np.float32)
    if shape.lengths is not None:  # what stands in the padding counts nowhere
        valid = np.arange(shape.steps)[None, :] < shape.lengths[:, None]
        x, cot = x * valid[..., None], cot * valid[..., None]
    return weights, x.astype(np.float32), cot.astype(np.float32)
