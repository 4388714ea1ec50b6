#!/usr/bin/env python3
"""Writes the golden numbers of test/Golden/data with PyTorch.

Run once, with torch and numpy: ./make_golden.py data
Four kinds of files:

  layer-*.npz    one recurrent layer stack of torch.nn: `weight.PATH` by rnnc's
                 instance paths, `in.NAME` inputs, first states, lengths and
                 cotangents, `out.NAME` outputs, last states and all gradients
  update-*.npz   a small regression model before (`weight.PATH`) and after
                 (`after.PATH`) twenty updates, and the loss of every update

  nested-*.npz   the layers of nested.rnn: sequences inside of a sequence, as
                 layer-*.npz, with lengths `in.T` and `in.L` [batch, T]
  pictures-*.npz convolutions, pooling and what stands behind them, the layer
                 of pictures.rnn for its `sizes`, as layer-*.npz

Everything is computed in f64; weights are PyTorch's default uniform
+-1/sqrt(H), which keeps the recurrences contractive.
"""
import pathlib
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)


def layer_weights(module, layer, suffix, kind):
    """One layer of torch.nn's weights as rnnc's tensors of lstm, gru, rnn_*."""
    get = lambda name: getattr(module, f"{name}_l{layer}{suffix}")
    gates = {"lstm": 4, "gru": 3}.get(kind)
    split = lambda w: w.reshape(gates, -1, *w.shape[1:]) if gates else w
    weights = {"W": (split, "weight_ih"), "U": (split, "weight_hh"), "b": (split, "bias_ih")}
    if kind == "gru":
        weights["d"] = (split, "bias_hh")
    result = {name: f(get(source)) for name, (f, source) in weights.items()}
    grads = {name: f(get(source).grad) for name, (f, source) in weights.items()}
    if kind != "gru":  # rnnc keeps the sum of PyTorch's two biases
        result["b"] = result["b"] + split(get("bias_hh"))
    return result, grads


def make_layer(out, name, kind, inputs, hidden, layers, both, lengths, steps, batch):
    torch.manual_seed(sum(map(ord, name)))
    options = dict(num_layers=layers, bidirectional=both, batch_first=True)
    if kind.startswith("rnn"):
        module = torch.nn.RNN(inputs, hidden, nonlinearity=kind[4:], **options)
    else:
        module = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](inputs, hidden, **options)
    n = layers * (2 if both else 1)
    x = torch.randn(batch, steps, inputs, requires_grad=True)
    h0 = (0.5 * torch.randn(n, batch, hidden)).requires_grad_(not both)
    c0 = (0.5 * torch.randn(n, batch, hidden)).requires_grad_(not both)
    if both:  # birnn layers start from their declared states
        h0, c0 = torch.zeros_like(h0), torch.zeros_like(c0)
    first = (h0, c0) if kind == "lstm" else h0
    sizes = torch.tensor(lengths if lengths else [steps] * batch)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, sizes, batch_first=True, enforce_sorted=False)
    y, last = module(packed, first)
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=steps)
    last = last if kind == "lstm" else (last,)
    cot = torch.randn_like(y)
    cot_last = [torch.zeros_like(s) if both else torch.randn_like(s) for s in last]
    ((y * cot).sum() + sum((s * c).sum() for s, c in zip(last, cot_last))).backward()

    data = {"in.x": x, "in.cot.out": cot, "out.out": y, "out.grad.x": x.grad}
    if lengths:
        data["in.T"] = np.array(lengths, np.int32)
    names = ["h", "c"][: len(last)]
    for layer in range(layers):
        for direction, suffix in enumerate(["", "_reverse"][: 2 if both else 1]):
            path = ["fw.", "bw."][direction] if both else (f"rnn.{layer}." if layers > 1 else "")
            weights, grads = layer_weights(module, layer, suffix, kind)
            for w, value in weights.items():
                data[f"weight.{path}{w}"] = value
            for w, value in grads.items():
                data[f"out.grad.{path}{w}"] = value
            if both:
                continue
            for k, s in enumerate(names):
                data[f"in.{path}{s}"] = (first if kind == "lstm" else (first,))[k][layer]
                data[f"in.cot.state.{path}{s}"] = cot_last[k][layer]
                data[f"out.state.{path}{s}"] = last[k][layer]
                data[f"out.grad.{path}{s}"] = (first if kind == "lstm" else (first,))[k].grad[layer]
    save(out / f"layer-{name}.npz", data)


def run_packed(module, x, sizes):
    """Outputs and last h of sequences of these sizes; of none of them zeros."""
    rows, steps = x.shape[:2]
    width = 2 * module.hidden_size
    some = [i for i in range(rows) if sizes[i]]
    outputs = torch.zeros(rows, steps, width)
    last = torch.zeros(rows, width)
    if some:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x[some], torch.tensor([sizes[i] for i in some]),
                                                         batch_first=True, enforce_sorted=False)
        y, h = module(packed)
        h = h[0] if isinstance(h, tuple) else h
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=steps)
        outputs = outputs.index_copy(0, torch.tensor(some), y)
        last = last.index_copy(0, torch.tensor(some), torch.cat([h[0], h[1]], dim=1))
    return outputs, last


def make_nested(out, name, kind):
    torch.manual_seed(11)
    words, letters = [4, 1, 0, 3], [[5, 0, 2, 3], [4, 9, 9, 9], [9, 9, 9, 9], [1, 5, 2, 9]]
    batch, steps, longest = len(words), 4, 5
    both = dict(bidirectional=True, batch_first=True)
    chars = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](3, 4, **both)
    over = torch.nn.GRU(8, 5, **both)
    x = torch.randn(batch, steps, longest, 3, requires_grad=True)
    sizes = [letters[b][t] if t < words[b] else 0 for b in range(batch) for t in range(steps)]
    each, ends = run_packed(chars, x.reshape(batch * steps, longest, 3), sizes)
    if name == "deep":
        y = each.reshape(batch, steps, longest, 8)
    else:
        y, _ = run_packed(over, ends.reshape(batch, steps, 8), words)
    cot = torch.randn_like(y)
    (y * cot).sum().backward()
    data = {"in.x": x, "in.T": np.array(words, np.int32), "in.L": np.array(letters, np.int32), "in.cot.out": cot,
            "out.out": y, "out.grad.x": x.grad}
    modules = [("c", chars, kind)] + ([] if name == "deep" else [("w", over, "gru")])
    for stem, module, its in modules:
        for direction, suffix in ("f", ""), ("b", "_reverse"):
            weights, grads = layer_weights(module, 0, suffix, its)
            data.update({f"weight.{stem}{direction}.{w}": value for w, value in weights.items()})
            data.update({f"out.grad.{stem}{direction}.{w}": value for w, value in grads.items()})
    save(out / f"nested-{name}.npz", data)


def kernel(w, reach):
    """A kernel [output, input, row, column] as rnnc's: rows and columns from the middle on."""
    order = [reach, *(reach - k for k in range(1, reach + 1)), *(reach + k for k in range(1, reach + 1))]
    return w[:, :, order][..., order].permute(2, 0, 3, 1).flatten(2)


def make_pictures(out, name, sizes, batch):
    torch.manual_seed(5)
    rows, columns, inputs, first, second, reach, width = sizes
    near = torch.nn.Conv2d(inputs, first, 3, padding=1)
    far = torch.nn.Conv2d(first, second, 2 * reach + 1, padding=reach)
    norm, head = torch.nn.LayerNorm(first), torch.nn.Linear(rows * columns * second, width)
    torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    x = torch.randn(batch, 4 * rows, 4 * columns, inputs, requires_grad=True)
    y = norm(near(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    y = torch.nn.functional.max_pool2d(torch.relu(y), 2)
    y = torch.nn.functional.avg_pool2d(torch.relu(far(y)), 2)
    y = torch.relu(head(y.permute(0, 2, 3, 1).flatten(1)))
    cot = torch.randn_like(y)
    (y * cot).sum().backward()
    data = {"sizes": np.array(sizes), "in.x": x, "in.cot.out": cot, "out.out": y, "out.grad.x": x.grad}
    tensors = {"near.W": (near.weight, lambda w: kernel(w, 1)), "far.W": (far.weight, lambda w: kernel(w, reach)),
               "near.b": (near.bias, None), "far.b": (far.bias, None), "norm.gain": (norm.weight, None),
               "norm.bias": (norm.bias, None), "head.W": (head.weight, None), "head.b": (head.bias, None)}
    for path, (w, turn) in tensors.items():
        turn = turn or (lambda w: w)
        data[f"weight.{path}"], data[f"out.grad.{path}"] = turn(w), turn(w.grad)
    save(out / f"pictures-{name}.npz", data)


class Regression(torch.nn.Module):
    """The model of update.rnn: an LSTM's last output, a dense layer, a normal."""

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(3, 5, batch_first=True)
        self.head = torch.nn.Linear(5, 2)

    def forward(self, x, lengths, y):
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.rnn(packed)
        error = y - self.head(h[0])
        return (0.5 * error**2 + 0.5 * np.log(2 * np.pi)).mean()

    def tensors(self):
        split = lambda w: w.reshape(4, -1, *w.shape[1:])
        return {
            "rnn.W": split(self.rnn.weight_ih_l0), "rnn.U": split(self.rnn.weight_hh_l0),
            "rnn.b": split(self.rnn.bias_ih_l0), "head.W": self.head.weight, "head.b": self.head.bias,
        }


OPTIMIZERS = {
    "sgd": (lambda p: torch.optim.SGD(p, lr=0.1), "sgd(lr = 0.1)"),
    "momentum": (lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), "sgd(lr = 0.05, momentum = 0.9)"),
    "nesterov": (lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
                 "sgd(lr = 0.05, momentum = 0.9, nesterov = 1)"),
    "adam": (lambda p: torch.optim.Adam(p, lr=0.01), "adam(lr = 0.01)"),
    "adamw": (lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), "adamw(lr = 0.01, decay = 0.1)"),
    "rmsprop": (lambda p: torch.optim.RMSprop(p, lr=0.01), "rmsprop(lr = 0.01)"),
    "adagrad": (lambda p: torch.optim.Adagrad(p, lr=0.05), "adagrad(lr = 0.05)"),
}


def clip_adaptive(parameters, limit):
    """Brock et al. 2021, one unit a row; a vector's units are its entries."""
    for p in parameters:
        rows = (lambda t: t.reshape(t.shape[0], -1) if t.dim() > 1 else t.reshape(-1, 1))
        w, g = rows(p.detach()), rows(p.grad)
        most = limit * w.norm(dim=1, keepdim=True).clamp_min(1e-3)
        norm = g.norm(dim=1, keepdim=True)
        g.mul_(torch.where(norm > most, most / norm.clamp_min(1e-6), torch.ones_like(norm)))


CLIPS = {
    "none": (lambda p: None, ""),
    "value": (lambda p: torch.nn.utils.clip_grad_value_(p, 0.02), "clip value 0.02"),
    "norm": (lambda p: [torch.nn.utils.clip_grad_norm_([q], 0.05) for q in p], "clip norm 0.05"),
    "global_norm": (lambda p: torch.nn.utils.clip_grad_norm_(p, 0.1), "clip global_norm 0.1"),
    "adaptive": (lambda p: clip_adaptive(p, 0.02), "clip adaptive 0.02"),
    "value_then_norm": (lambda p: (torch.nn.utils.clip_grad_value_(p, 0.05), torch.nn.utils.clip_grad_norm_(p, 0.1)),
                        "clip value 0.05\n  clip global_norm 0.1"),
}


def make_update(out, optimizer, clip):
    torch.manual_seed(7)
    model = Regression()
    with torch.no_grad():
        model.rnn.bias_hh_l0.zero_()
    model.rnn.bias_hh_l0.requires_grad_(False)
    x, y = torch.randn(6, 4, 3), 2 * torch.randn(6, 2)
    lengths = torch.tensor([4, 1, 3, 2, 4, 3])
    data = {"in.x": x, "in.y": y, "in.T": lengths.numpy().astype(np.int32)}
    data.update({f"weight.{k}": v.detach().clone() for k, v in model.tensors().items()})
    parameters = [p for p in model.parameters() if p.requires_grad]
    step = OPTIMIZERS[optimizer][0](parameters)
    losses = []
    for _ in range(20):
        step.zero_grad()
        loss = model(x, lengths, y)
        loss.backward()
        CLIPS[clip][0](parameters)
        step.step()
        losses.append(loss.item())
    data.update({f"after.{k}": v for k, v in model.tensors().items()})
    data["losses"] = np.array(losses)
    data["settings"] = np.array(f"optimize {OPTIMIZERS[optimizer][1]}\n  {CLIPS[clip][1]}")
    save(out / f"update-{optimizer}-{clip}.npz", data)


def save(path, data):
    arrays = {k: v.detach().numpy() if torch.is_tensor(v) else v for k, v in data.items()}
    np.savez_compressed(path, **arrays)
    print(path, path.stat().st_size)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    ragged = [5, 1, 3]
    for kind in ["rnn_tanh", "rnn_relu", "lstm", "gru"]:
        make_layer(out, f"{kind}", kind, 3, 4, 1, False, None, 5, 3)
        make_layer(out, f"{kind}-odd-ragged", kind, 7, 13, 1, False, ragged, 5, 3)
        make_layer(out, f"{kind}-two", kind, 5, 9, 2, False, ragged, 5, 3)
        make_layer(out, f"{kind}-both", kind, 5, 6, 1, True, None, 4, 2)
        make_layer(out, f"{kind}-both-ragged", kind, 3, 17, 1, True, ragged, 5, 3)
    make_nested(out, "spelled", "lstm")
    make_nested(out, "deep", "gru")
    make_pictures(out, "small", (2, 3, 2, 5, 3, 2, 4), 3)
    for optimizer in OPTIMIZERS:
        for clip in CLIPS:
            make_update(out, optimizer, clip)


if __name__ == "__main__":
    main()
