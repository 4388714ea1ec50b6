"""PyTorch, eager: its own layers where it has them, else a loop over the steps."""
import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from peers.timing import best_ms

LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn_tanh": torch.nn.RNN}


def norm(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def ln_lstm(p, xs, h, c):
    i, f, g, o = (p["gh"] * norm(torch.einsum("ghk,bk->bgh", p["U"], h)) + xs).unbind(1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(p["gc"] * norm(c) + p["bc"]), c


def peephole(p, xs, h, c):
    i, f, g, o = (torch.einsum("ghk,bk->bgh", p["U"], h) + xs).unbind(1)
    pi, pf, po = p["P"]
    c = torch.sigmoid(f + pf * c) * c + torch.sigmoid(i + pi * c) * torch.tanh(g)
    return torch.sigmoid(o + po * c) * torch.tanh(c), c


def minimal_gru(p, xs, h, c):
    xf, xn = xs.unbind(1)
    f = torch.sigmoid(xf + h @ p["Uf"].T)
    n = torch.tanh(xn + (f * h) @ p["Un"].T)
    return (1 - f) * h + f * n, c


class Loop(torch.nn.Module):
    """A cell that PyTorch does not have: the input product at once, then step by step."""
    STEPS = {"ln_lstm": ln_lstm, "peephole": peephole, "minimal_gru": minimal_gru}

    def __init__(self, shape, weights):
        super().__init__()
        self.cell = shape.cell
        self.p = torch.nn.ParameterDict({k.split(".")[1]: torch.tensor(v) for k, v in weights.items()})

    def forward(self, x):
        p = self.p
        if self.cell == "minimal_gru":
            xs = torch.stack([x @ p["Wf"].T + p["bf"], x @ p["Wn"].T + p["bn"]], 2)
        else:
            xs = torch.einsum("ghk,btk->btgh", p["W"], x)
            xs = (p["gx"] * norm(xs) if self.cell == "ln_lstm" else xs) + p["b"]
        h = c = torch.zeros(x.shape[0], x.shape[2])
        outs = []
        for t in range(x.shape[1]):
            h, c = self.STEPS[self.cell](p, xs[:, t], h, c)
            outs.append(h)
        return torch.stack(outs, 1), None


class Peer:
    name, modes = "torch", ("forward", "training")

    @staticmethod
    def can(shape):
        return shape.cell in LAYERS or shape.cell in Loop.STEPS

    def __init__(self, shape, weights, x, cot, folder):
        self.shape, self.threads = shape, 1
        self.x = torch.tensor(x, requires_grad=True)
        self.cot = torch.tensor(cot)
        self.lengths = None if shape.lengths is None else torch.tensor(shape.lengths.astype(np.int64))
        self.own = shape.cell in LAYERS
        self.module = self.build(weights) if self.own else Loop(shape, weights)

    def suffixes(self):
        return [("_l0", "fw"), ("_l0_reverse", "bw")] if self.shape.both else [
            (f"_l{k}", part) for k, part in enumerate(self.shape.parts)]

    def build(self, weights):
        s = self.shape
        module = LAYERS[s.cell](s.hidden, s.hidden, s.layers, batch_first=True, bidirectional=s.both)
        flat = lambda w: torch.tensor(w.reshape(-1, s.hidden) if w.ndim == 3 else w.reshape(w.shape if w.ndim == 2 and w.shape[0] == w.shape[1] and s.cell == "rnn_tanh" else -1))
        with torch.no_grad():
            for suffix, part in self.suffixes():
                getattr(module, "weight_ih" + suffix).copy_(flat(weights[part + ".W"]))
                getattr(module, "weight_hh" + suffix).copy_(flat(weights[part + ".U"]))
                getattr(module, "bias_ih" + suffix).copy_(flat(weights[part + ".b"]))
                second = weights.get(part + ".d")
                getattr(module, "bias_hh" + suffix).copy_(torch.zeros(1) if second is None else flat(second))
        return module

    def apply(self, x):
        if self.lengths is None:
            return self.module(x)[0]
        packed = pack_padded_sequence(x, self.lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.module(packed)[0], batch_first=True, total_length=self.shape.steps)[0]

    def train(self):
        self.x.grad = None
        for p in self.module.parameters():
            p.grad = None
        y = self.apply(self.x)
        (y * self.cot).sum().backward()
        return y

    def results(self):
        results = {"out": self.train().detach().numpy(), "grad.x": self.x.grad.numpy()}
        if self.own:
            for suffix, part in self.suffixes():
                results[f"grad.{part}.W"] = getattr(self.module, "weight_ih" + suffix).grad.numpy()
                results[f"grad.{part}.U"] = getattr(self.module, "weight_hh" + suffix).grad.numpy()
        else:
            for name, value in self.module.p.items():
                results[f"grad.{self.shape.parts[0]}.{name}"] = value.grad.numpy()
        return results

    def forward(self):
        with torch.inference_mode():
            self.apply(self.x)

    def time(self, mode, seconds):
        torch.set_num_threads(self.threads)
        torch.set_flush_denormal(True)
        call = self.forward if mode == "forward" else self.train
        return best_ms(call, seconds)
