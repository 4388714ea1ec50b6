"""Whole updates of models, beside PyTorch's from the same weights on the same batches."""
import dataclasses
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from library import OK, Bound, Library

from work import Row
from work.memory import peak

HERE = pathlib.Path(__file__).resolve().parent
WORD_MODEL = HERE.parents[1] / "examples/word-lm/wordlm.rnn"


@dataclasses.dataclass
class Model:
    """`short`: the least length of a sentence; without it a word model."""
    words: int
    embed: int
    hidden: int
    batch: int
    steps: int
    batches: int
    short: int = 0
    init: float = 0.1

    @property
    def name(self):
        return "Classifier" if self.short else "WordLM"


WORK = {
    "lm-small": Model(10000, 200, 200, 20, 20, 10),
    "lm-medium": Model(10000, 650, 650, 20, 35, 4, init=0.05),
    "classifier": Model(20000, 128, 128, 32, 60, 20, short=5, init=0.05),
    "tiny-lm": Model(11, 4, 4, 3, 5, 3), "tiny-classifier": Model(13, 4, 4, 3, 6, 3, short=2),
}


def weights_of(model):
    """By rnnc's names."""
    random = np.random.default_rng(2)
    draw = lambda *shape: random.uniform(-model.init, model.init, shape).astype(np.float32)
    e, h, prefix = model.embed, model.hidden, "" if model.short else "lm."
    weights = {f"{prefix}Emb": draw(model.words, e)}
    for part in parts_of(model):
        weights.update({f"{part}.W": draw(4, h, e), f"{part}.U": draw(4, h, h), f"{part}.b": draw(4, h)})
    classes, inputs = (2, 2 * h) if model.short else (model.words, h)
    return {**weights, f"{prefix}head.W": draw(classes, inputs), f"{prefix}head.b": draw(classes)}


def parts_of(model):
    return ["enc.fw", "enc.bw"] if model.short else ["lm.rnn.0", "lm.rnn.1"]


def batches_of(model):
    """What is read, what is predicted, lengths. A word model goes on from batch to batch, from word 0."""
    random = np.random.default_rng(3)
    if not model.short:
        text = random.integers(0, model.words, (model.batch, model.batches * model.steps)).astype(np.int32)
        read = np.concatenate([np.zeros((model.batch, 1), np.int32), text[:, :-1]], 1)
        cut = lambda of: np.split(of, model.batches, 1)
        return [(r, t, np.full(model.batch, model.steps, np.int32)) for r, t in zip(cut(read), cut(text))]
    result = []
    for _ in range(model.batches):
        lengths = random.integers(model.short, model.steps + 1, model.batch).astype(np.int32)
        lengths[0] = model.steps
        words = random.integers(0, model.words, (model.batch, model.steps)).astype(np.int32)
        result.append((words, random.integers(0, 2, model.batch).astype(np.int32), lengths))
    return result


class Ours:
    name = "rnnc"

    def __init__(self, library, model, threads):
        module = library.module(model.name, library.context(threads))
        for name, value in weights_of(model).items():
            module.data(name)[...] = value
        module.start("optimizer")
        read, target, lengths = (np.zeros_like(a) for a in batches_of(model)[0])
        self.given, self.model = (read, target, lengths), model
        if model.short:
            named = {"words": read, "mood": target, "T": lengths}
        else:
            module.start("carry", model.batch)
            named = {"text": target}
        self.bound = Bound(module, "train_step", model.batch, [model.steps], None, 0, (), named)
        self.loss = next(v for k, v in self.bound.results.items() if k == "loss")

    def step(self, batch):
        for place, value in zip(self.given, batch):
            np.copyto(place, value)
        if self.bound.run() != OK:
            raise RuntimeError(self.bound.module.error.words())
        return float(self.loss.reshape(-1)[0])


class Torch:
    name = "torch"

    def __init__(self, model, threads):
        import torch
        self.torch, self.model = torch, model
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        e, h, classifier = model.embed, model.hidden, model.short > 0
        self.emb = torch.nn.Embedding(model.words, e)
        self.rnn = torch.nn.LSTM(e, h, 1 if classifier else 2, batch_first=True, bidirectional=classifier)
        self.head = torch.nn.Linear(2 * h if classifier else h, 2 if classifier else model.words)
        self.load(weights_of(model))
        parameters = [*self.emb.parameters(), *self.rnn.parameters(), *self.head.parameters()]
        self.parameters = [p for p in parameters if p.requires_grad]
        self.optimizer = (torch.optim.Adam(self.parameters, 1e-3) if classifier
                          else torch.optim.SGD(self.parameters, 1.0))
        self.state = None

    def load(self, weights):
        """One bias, as rnnc's: the second stays 0."""
        torch, prefix = self.torch, "" if self.model.short else "lm."
        put = lambda p, v: p.copy_(torch.tensor(v.reshape(p.shape)))
        with torch.no_grad():
            put(self.emb.weight, weights[f"{prefix}Emb"])
            put(self.head.weight, weights[f"{prefix}head.W"])
            put(self.head.bias, weights[f"{prefix}head.b"])
            for part, suffix in zip(parts_of(self.model), ["_l0", "_l0_reverse"] if self.model.short else ["_l0", "_l1"]):
                put(getattr(self.rnn, "weight_ih" + suffix), weights[f"{part}.W"])
                put(getattr(self.rnn, "weight_hh" + suffix), weights[f"{part}.U"])
                put(getattr(self.rnn, "bias_ih" + suffix), weights[f"{part}.b"])
                second = getattr(self.rnn, "bias_hh" + suffix)
                second.zero_().requires_grad_(False)

    def step(self, batch):
        torch = self.torch
        read, target, lengths = (torch.from_numpy(a.astype(np.int64)) for a in batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss = (self.classify if self.model.short else self.predict)(self.emb(read), target, lengths)
        loss.backward()
        if not self.model.short:
            torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        return loss.item()

    def predict(self, inputs, target, lengths):
        """The sum over the steps, as the word model's."""
        hidden, state = self.rnn(inputs, self.state)
        self.state = tuple(part.detach() for part in state)
        logits = self.head(hidden).flatten(0, 1)
        return self.torch.nn.functional.cross_entropy(logits, target.flatten()) * target.shape[1]

    def classify(self, inputs, target, lengths):
        rnn = self.torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        mean = hidden.sum(1) / lengths[:, None]
        return self.torch.nn.functional.cross_entropy(self.head(mean), target)


def compiled(args, model, folder):
    source = HERE / "classifier.rnn" if model.short else WORD_MODEL
    dims = [f"-DV={model.words}", f"-DH={model.hidden}", *([f"-DE={model.embed}"] if model.short else [])]
    subprocess.run([args.rnnc, source, "-O3", "-march=native", *dims, "-o", folder / "libmodel.so"], check=True)
    return folder / "libmodel.so"


def same_losses(args, name, ours, theirs, batches):
    """The first updates give the same losses."""
    got, wanted = ([one.step(batch) for batch in batches[:5]] for one in (ours, theirs))
    worst = max(abs(a - b) / abs(b) for a, b in zip(got, wanted))
    if not worst <= 1e-4:
        args.disagree(name, f"torch: a loss differs by {worst:.3g} of it: {got}, {wanted}")
    return worst <= 1e-4


def measure(args, name, peers):
    model, batches = WORK[name], batches_of(WORK[name])
    words = float(np.mean([lengths.sum() for _, _, lengths in batches]))
    with tempfile.TemporaryDirectory() as folder:
        library = Library(compiled(args, model, pathlib.Path(folder)))
        for threads in args.threads:
            programs = [Ours(library, model, threads)]
            if "torch" in [peer.name for peer in peers]:
                programs.append(Torch(model, threads))
                if not same_losses(args, name, *programs, batches):
                    programs.pop()
            # The best time of every batch: the shortest one alone would be no measure.
            best = {one.name: np.full(len(batches), 1e9) for one in programs}
            clock = time.process_time if args.processor_time else time.perf_counter
            end = time.perf_counter() + args.rounds * args.seconds * len(programs)
            while time.perf_counter() < end or best["rnnc"].max() == 1e9:
                for one in programs:
                    for k, batch in enumerate(batches):
                        start = clock()
                        one.step(batch)
                        best[one.name][k] = min(best[one.name][k], clock() - start)
            yield Row(name, "update", threads, {k: float(v.mean()) for k, v in best.items()}, words)
        yield Row(name, "memory", 1, {"rnnc": peak(pathlib.Path(folder), model.name, "train_step", model.batch, model.steps)})
