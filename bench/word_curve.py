#!/usr/bin/env python3
"""The curve of the medium word model of examples/word-lm in PyTorch.

    word_curve.py DATA [EPOCHS [THREADS]]      DATA is the folder of the Penn Treebank
    word_curve.py RUN                          the same lines of a directory of `rnnc train`

The recipe of medium.rnn: the same chunks of the same rows, the same first values but for the
draw, one bias for each gate, dropout at the same places, the loss summed over the steps of a chunk. Prints the
perplexity of each 100 updates, and of the validation and test text after each epoch, as
`rnnc train` does; the seconds are those of training alone. Needs torch.
"""
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from training_compare import one_bias, vocabulary

ROWS, STEPS, WIDTH = 20, 35, 650


class WordModel(nn.Module):
    def __init__(self, symbols):
        super().__init__()
        self.emb = nn.Embedding(symbols, WIDTH)
        self.rnn = nn.LSTM(WIDTH, WIDTH, 2, dropout=0.5)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(WIDTH, symbols)
        for p in self.parameters():
            nn.init.uniform_(p, -0.05, 0.05)
        one_bias(self.rnn)

    def forward(self, words, state):
        out, state = self.rnn(self.drop(self.emb(words)), state)
        return self.head(self.drop(out)), state


def chunks(words, rows):
    """What is read and what comes next, chunk by chunk; 0 stands before the first word."""
    length = len(words) // rows
    after = words[: length * rows].view(rows, length).t().contiguous()
    before = torch.cat([torch.zeros(1, rows, dtype=torch.long), after[:-1]])
    for at in range(0, length, STEPS):
        yield before[at:at + STEPS], after[at:at + STEPS]


def perplexity(model, words):
    model.eval()
    state, total = None, 0.0
    with torch.no_grad():
        for before, after in chunks(words, 1):
            scores, state = model(before, state)
            total += float(cross_entropy(scores.flatten(0, 1), after.flatten(), reduction="sum"))
    model.train()
    return math.exp(total / len(words))


def of_rnnc(log):
    total = words = 0
    for line in map(json.loads, log.open()):
        if "valid" in line:
            print(f"epoch {line['epoch']}: validation {line['valid']['perplexity']:.1f}, {line['seconds']:.0f} s")
            continue
        total, words = total + line["loss"], words + line["tokens"] / ROWS
        if line["step"] % 100 == 0:
            print(f"update {line['step']}: perplexity {math.exp(total / words):.1f}, {line['seconds']:.0f} s")
            total = words = 0


def main():
    folder = pathlib.Path(sys.argv[1])
    if (folder / "log.jsonl").exists():
        return of_rnnc(folder / "log.jsonl")
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    read = lambda *names: "".join((folder / n).read_text() for n in names).replace("\n", " <eos> ").split()
    train = read("ptb.train.part1.txt", "ptb.train.part2.txt")
    ids = vocabulary((w for w in train if w != "<unk>"), ["<s>"])
    number = lambda words: torch.tensor([ids.get(w, ids["<unk>"]) for w in words])
    train, valid, test = number(train), number(read("ptb.valid.txt")), number(read("ptb.test.txt"))
    model = WordModel(len(ids))
    weights = [p for p in model.parameters() if p.requires_grad]
    update, spent = 0, 0.0
    for epoch in range(1, epochs + 1):
        state, total, words, begin = None, 0.0, 0, time.monotonic()
        for before, after in chunks(train, ROWS):
            model.zero_grad()
            scores, state = model(before, state)
            state = tuple(s.detach() for s in state)
            loss = cross_entropy(scores.flatten(0, 1), after.flatten()) * len(after)
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 5)
            with torch.no_grad():
                for p in weights:
                    p -= p.grad
            update, total, words = update + 1, total + loss.item(), words + len(after)
            if update % 100 == 0:
                now = spent + time.monotonic() - begin
                print(f"update {update}: perplexity {math.exp(total / words):.1f}, {now:.0f} s", flush=True)
                total, words = 0.0, 0
        spent += time.monotonic() - begin
        print(f"epoch {epoch}: validation {perplexity(model, valid):.1f}, test {perplexity(model, test):.1f}, {spent:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
