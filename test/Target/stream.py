"""Step by step, in chunks or at once: the same. Sampling is stepping."""
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])
close = 2e-6 if library.real == np.float32 else 1e-13


def same(a, b, what):
    assert np.abs(a - b).max(initial=0) <= close * max(1, np.abs(b).max(initial=0)), what


def cells():
    """`forward` at once, in chunks with states in and out, by `step`; ragged."""
    for name in ("lstm_3_5", "gru_3_5", "learned_3_5"):
        cell = library.module(name)
        states = [s["name"] for s in cell.about["states"]]
        x = np.random.default_rng(1).normal(size=(4, 7, 3))
        status, whole = cell.call("forward", 4, [7], x=x)
        assert status == OK and cell.prepare() == OK
        at = {}
        for t in range(7):
            status, out = cell.call("step", 4, x=x[:, t], **at)
            assert status == OK
            same(out["out"], whole["out"][:, t], (name, "step", t))
            at = {s: out["state." + s] for s in states}
        for s in states:
            same(at[s], whole["state." + s], (name, s))
        at, parts = {}, []
        for begin, end in ((0, 3), (3, 4), (4, 7)):
            status, out = cell.call("forward", 4, [end - begin], x=x[:, begin:end], **at)
            parts.append(out["out"])
            at = {s: out["state." + s] for s in states}
        same(np.concatenate(parts, 1), whole["out"], (name, "chunks"))
        # Rows of different lengths: each as if it were alone.
        T = [7, 0, 2, 5]
        status, ragged = cell.call("forward", 4, [7], x=x, T=T)
        for b, n in enumerate(T):
            status, alone = cell.call("forward", 1, [n], x=x[b:b + 1, :n])
            same(ragged["out"][b:b + 1, :n], alone["out"], (name, "ragged"))
            assert (ragged["out"][b, n:] == 0).all()
            for s in states:
                same(ragged["state." + s][b:b + 1], alone["state." + s], (name, "ragged", s))
    print("cells ok")


def language_model():
    """The loss from the probabilities of `step`, from chunks with a carry, and
    of the whole text; rows that begin anew; a row without a step waits."""
    lm = library.module("LM")
    assert lm.prepare() == OK
    text = np.random.default_rng(2).integers(1, 7, (3, 8))
    lm.start("stream", 3)
    prev, sum_ = np.zeros(3, int), 0
    for t in range(8):
        status, out = lm.call("step", 3, prev=prev)
        assert status == OK
        same(out["text.p"].sum(1), np.ones(3), "probabilities")
        sum_ -= np.log(out["text.p"][np.arange(3), text[:, t]]).sum()
        prev = text[:, t]
    status, whole = lm.call("loss", 3, [8], text=text)
    same(whole["loss"], sum_ / 24, "loss")
    lm.start("carry", 3)
    parts = 0
    for begin, end in ((0, 4), (4, 8)):
        status, out = lm.call("loss", 3, [end - begin], text=text[:, begin:end])
        parts += out["loss"] * 3 * (end - begin)
    same(parts / 24, whole["loss"], "chunks")
    # `reset`: the second half of row 1 is a text of its own.
    lm.start("carry", 3)
    lm.call("loss", 3, [4], text=text[:, :4])
    _, reset = lm.call("loss", 3, [4], text=text[:, 4:], reset=[0, 1, 0])
    lm.carry = None
    _, fresh = lm.call("loss", 1, [4], text=text[1:2, 4:])
    lm.start("carry", 2)
    lm.call("loss", 2, [4], text=text[::2, :4])
    _, others = lm.call("loss", 2, [4], text=text[::2, 4:])
    same(reset["loss"] * 12, fresh["loss"] * 4 + others["loss"] * 8, "reset")
    lm.start("carry", 3)
    lm.call("loss", 3, [4], text=text[:, :4])
    lm.call("loss", 3, [4], text=text[:, :4], T=[0, 0, 0])
    _, waited = lm.call("loss", 3, [4], text=text[:, 4:])
    lm.start("carry", 3)
    lm.call("loss", 3, [4], text=text[:, :4])
    _, went_on = lm.call("loss", 3, [4], text=text[:, 4:])
    assert waited == went_on
    print("language model ok")


def greedy(lm, prompt, steps):
    """What stepping and taking the most probable symbol gives."""
    lm.start("stream", 1)
    prev, out = 0, []
    for t in range(len(prompt) + steps):
        _, results = lm.call("step", 1, prev=[prev])
        best = int(np.argmax(results["text.p"][0]))
        if t < len(prompt):
            prev = prompt[t]
            continue
        prev = best
        out.append(best)
        if best == 0:  # stop
            break
    return out


def sampling():
    lm = library.module("LM", seed=5)
    lm.data("lm.head.b")[0] = -1
    expected = [greedy(lm, p, 12) for p in ([3, 1], [], [2, 4, 6])]
    prompt = np.array([[3, 1, 0], [0, 0, 0], [2, 4, 6]])
    lm.start("stream", 3)
    for options in ({"temperature": 0}, {"top_k": 1}, {"top_p": 0}):
        lm.start("stream", 3)
        status, out = lm.call("sample", 3, [3, 12], seed=1, prompt=prompt, P=[2, 0, 3], **options)
        assert status == OK
        for b in range(3):
            assert list(out["text"][b, :out["T"][b]]) == expected[b], (b, options)
            assert (out["text"][b, out["T"][b]:] == 0).all()
    # Without a stream too; and a stream goes on where the last call ended.
    stream, lm.stream = lm.stream, None
    status, again = lm.call("sample", 1, [3, 12], seed=1, prompt=prompt[:1], P=[2], temperature=0)
    assert status == OK and list(again["text"][0, :again["T"][0]]) == expected[0]
    # Draws follow the probabilities: a chi-square test over the first symbol.
    lm.data("lm.head.b")[:] = np.log([1e-9, 1, 2, 3, 4, 5, 6])
    lm.data("lm.head.W")[:] = 0
    status, out = lm.call("sample", 7000, [0, 3], seed=4)
    drawn = np.bincount(out["text"].ravel(), minlength=7)[1:]
    hope = 21000 * np.arange(1, 7) / 21
    assert ((drawn - hope)**2 / hope).sum() < 25, drawn  # 5 degrees: 1 in 7000
    status, out = lm.call("sample", 7000, [0, 1], seed=4, temperature=0.5)
    drawn = np.bincount(out["text"].ravel(), minlength=7)[1:]
    hope = 7000 * np.arange(1, 7)**2 / 91
    assert ((drawn - hope)**2 / hope).sum() < 25, drawn
    status, out = lm.call("sample", 500, [0, 1], seed=4, top_k=2)
    assert set(out["text"].ravel()) == {5, 6}
    status, out = lm.call("sample", 500, [0, 1], seed=4, top_p=0.5)  # 6/21 + 5/21 > 0.5
    assert set(out["text"].ravel()) == {5, 6}
    print("sampling ok")


for test in (cells, language_model, sampling):
    test()
