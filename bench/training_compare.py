#!/usr/bin/env python3
"""Training steps of whole models, rnnc beside PyTorch, from the same weights.

    training_compare.py lm TEXT          the character model of examples/char-lm
    training_compare.py classifier TSV   the BiLSTM of examples/sentiment, on the
                                         first 256 rows as one batch

Both start from the same weights, read the same batches, without dropout
(its masks differ between the programs). Prints the largest relative difference
of the first losses (asked for: at most 1e-3) and the updates per second of
both, measured in turns (`--rounds`), with the dropout of the example switched
on in both for the timing. Needs torch and numpy.

`--precision f64` compares in double: a model that learns one batch by heart
multiplies the rounding of f32 by 1e6 in fifty updates of Adam, in double only
a real difference is left.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test" / "Golden"))
import numpy as np  # noqa: E402
from compare import write_safetensors  # noqa: E402


def vocabulary(symbols, reserved):
    """rnnc's order: reserved, <unk>, then by falling count, then by bytes."""
    counts = collections.Counter(symbols)
    order = sorted(counts, key=lambda s: (-counts[s], s.encode()))
    return {s: i for i, s in enumerate([*reserved, "<unk>", *order])}


def gates(w):
    return w.detach().numpy().reshape(4, -1, *w.shape[1:])


def lstm_tensors(module, layer, suffix, path):
    get = lambda n: getattr(module, f"{n}_l{layer}{suffix}")
    return {f"{path}.W": gates(get("weight_ih")), f"{path}.U": gates(get("weight_hh")),
            f"{path}.b": gates(get("bias_ih"))}


def one_bias(module):
    """rnnc has one bias where PyTorch has two: the second stays zero."""
    import torch
    for name, p in module.named_parameters():
        if name.startswith("bias_hh"):
            torch.nn.init.zeros_(p)
            p.requires_grad_(False)


class LanguageModel:
    rate, rows, steps = 2e-3, 50, 100

    def __init__(self, args):
        import torch
        text = pathlib.Path(args.data).read_text(encoding="utf-8")[: self.rows * self.steps * (args.updates + 1)]
        self.source = HERE.parent / "examples/char-lm/charlm.rnn"
        self.flags = ["--unit", "chars"]
        self.file_text, self.suffix = text, ".txt"
        ids = vocabulary(text, ["<s>"])
        data = torch.tensor([ids[c] for c in text])
        self.size = len(data) // self.rows
        self.data = data[: self.size * self.rows].view(self.rows, self.size)
        self.before = torch.cat([torch.zeros(self.rows, 1, dtype=torch.long), self.data[:, :-1]], 1)
        torch.manual_seed(1)
        self.emb = torch.nn.Embedding(len(ids), 64)
        torch.nn.init.normal_(self.emb.weight, 0, 0.1)
        self.rnn = torch.nn.LSTM(64, 256, 2, batch_first=True)
        self.head = torch.nn.Linear(256, len(ids))
        one_bias(self.rnn)
        self.modules = torch.nn.ModuleList([self.emb, self.rnn, self.head])
        self.state = None

    def tensors(self):
        result = {"lm.Emb": self.emb.weight.detach().numpy(), "lm.head.W": self.head.weight.detach().numpy(),
                  "lm.head.b": self.head.bias.detach().numpy()}
        result.update(lstm_tensors(self.rnn, 0, "", "lm.rnn.0"))
        result.update(lstm_tensors(self.rnn, 1, "", "lm.rnn.2"))
        return result

    def loss(self, step, dropout):
        import torch
        self.rnn.dropout = dropout
        cut = slice(step * self.steps, (step + 1) * self.steps)
        y, state = self.rnn(self.emb(self.before[:, cut]), self.state)
        self.state = tuple(s.detach() for s in state)
        y = torch.nn.functional.dropout(y, dropout)
        return torch.nn.functional.cross_entropy(self.head(y).flatten(0, 1), self.data[:, cut].flatten())


class Classifier:
    rate = 1e-3

    def __init__(self, args):
        import torch
        rows = pathlib.Path(args.data).read_text(encoding="utf-8").splitlines()[:257]
        self.source = HERE.parent / "examples/sentiment/bilstm.rnn"
        self.flags = ["--batch", "256"]
        self.file_text, self.suffix = "\n".join(rows) + "\n", ".tsv"
        rows = [r.split("\t") for r in rows[1:]]
        ids = vocabulary([w for _, text in rows for w in text.split()], [])
        labels = sorted({label for label, _ in rows})
        sentences = [torch.tensor([ids[w] for w in text.split()]) for _, text in rows]
        self.lengths = torch.tensor([len(s) for s in sentences])
        self.words = torch.nn.utils.rnn.pad_sequence(sentences, batch_first=True)
        self.mood = torch.tensor([labels.index(label) for label, _ in rows])
        torch.manual_seed(1)
        self.emb = torch.nn.Embedding(len(ids), 128)
        torch.nn.init.normal_(self.emb.weight, 0, 0.1)
        self.rnn = torch.nn.LSTM(128, 128, batch_first=True, bidirectional=True)
        self.head = torch.nn.Linear(256, len(labels))
        one_bias(self.rnn)
        self.modules = torch.nn.ModuleList([self.emb, self.rnn, self.head])

    def tensors(self):
        result = {"Emb": self.emb.weight.detach().numpy(), "head.W": self.head.weight.detach().numpy(),
                  "head.b": self.head.bias.detach().numpy()}
        result.update(lstm_tensors(self.rnn, 0, "", "enc.fw"))
        result.update(lstm_tensors(self.rnn, 0, "_reverse", "enc.bw"))
        return result

    def loss(self, step, dropout):
        import torch
        drop = lambda x: torch.nn.functional.dropout(x, dropout)
        packed = torch.nn.utils.rnn.pack_padded_sequence(drop(self.emb(self.words)), self.lengths, batch_first=True,
                                                         enforce_sorted=False)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        valid = torch.arange(y.shape[1]) < self.lengths[:, None]
        top = y.masked_fill(~valid[:, :, None], -torch.inf).max(1)[0]
        return torch.nn.functional.cross_entropy(self.head(drop(top)), self.mood)


def train_torch(model, updates, dropout, rate):
    import torch
    parameters = [p for p in model.modules.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, rate)
    losses, best = [], 1e9
    for step in range(updates):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = model.loss(step, dropout)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        losses.append(loss.item())
        best = min(best, time.perf_counter() - start)
    return losses, best


def train_rnnc(args, model, tmp, updates, dropout):
    source = model.source.read_text()
    if not dropout:
        source = re.sub(r"(drop\[_, |dropout\([^()]*(?:\[[^]]*\])?, )0\.\d+", r"\g<1>0", source)
        source = re.sub(r"\n  schedule[^\n]*", "", source)
    (tmp / "model.rnn").write_text(source)
    (tmp / f"data{model.suffix}").write_text(model.file_text)
    out = tmp / f"run{len(list(tmp.glob('run*')))}"
    subprocess.run([args.rnnc, "train", tmp / "model.rnn", "--data", tmp / f"data{model.suffix}", "--init",
                    tmp / "w.safetensors", "--out", out, "--steps", str(updates), "--threads", str(args.threads),
                    "--precision", args.precision, "--quiet", *model.flags], check=True, stdout=subprocess.DEVNULL)
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    entries = [e for e in entries if "norm" in e]
    times = np.diff([e["seconds"] for e in entries])
    return [e["loss"] for e in entries], float(times.min())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["lm", "classifier"])
    parser.add_argument("data")
    parser.add_argument("--rnnc", default=str(HERE.parent / "build/bin/rnnc"))
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--precision", choices=["f32", "f64"], default="f32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-speed", action="store_true")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import torch
    torch.set_num_threads(args.threads)
    torch.set_default_dtype({"f32": torch.float32, "f64": torch.float64}[args.precision])
    torch.set_flush_denormal(True)
    make = {"lm": LanguageModel, "classifier": Classifier}[args.what]
    model = make(args)
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        write_safetensors(tmp / "w.safetensors", model.tensors())
        mine, _ = train_rnnc(args, model, tmp, args.updates, 0)
        theirs, _ = train_torch(model, args.updates, 0, model.rate)
        difference = max(abs(a - b) / abs(b) for a, b in zip(mine, theirs, strict=True))
        print(f"{args.what}: {len(mine)} losses, first {mine[0]:.6f} / {theirs[0]:.6f}, last {mine[-1]:.6f} / "
              f"{theirs[-1]:.6f}; largest relative difference {difference:.2g} (rnnc / PyTorch)")
        if difference > 1e-3:
            sys.exit("the losses differ by more than 1e-3")
        if args.no_speed:
            return
        best = [1e9, 1e9]
        for _ in range(args.rounds):
            best[0] = min(best[0], train_rnnc(args, model, tmp, 12, True)[1])
            model = make(args)
            best[1] = min(best[1], train_torch(model, 12, 0.2, model.rate)[1])
        print(f"{args.what}: updates per second, {args.threads} thread(s): rnnc {1 / best[0]:.2f}, PyTorch "
              f"{1 / best[1]:.2f}; time ratio rnnc / PyTorch {best[0] / best[1]:.2f}")


if __name__ == "__main__":
    main()
