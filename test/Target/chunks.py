"""`predict` in parts: of any sizes, ragged, mixed with `step`; rows that begin anew."""
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])
# Parts against the whole: sums over time do not exist here, so only the shapes of
# products differ; 1e-5 (f32) and 1e-12 (f64) as docs/language.md promises.
close = 1e-5 if library.real == np.float32 else 1e-12
B, T = 3, 11
draw = np.random.default_rng(3)
words, x = draw.integers(0, 7, (B, T)), draw.normal(size=(B, T, 3))


def same(got, want, what):
    for name in want:
        assert got[name].shape == want[name].shape, what
        if name == "tag":
            assert (got[name] == want[name]).all(), what
        else:
            assert np.abs(got[name] - want[name]).max(initial=0) <= close, (what, name)


def part(model, begin, end, rows=slice(None), **more):
    status, out = model.call("predict_chunk", len(words[rows]), [end - begin],
                             words=words[rows, begin:end], x=x[rows, begin:end], **more)
    assert status == OK, model.error.words()
    return out


def joined(parts):
    return {name: np.concatenate([p[name] for p in parts], 1) for name in parts[0]}


model = library.module("Tags")
assert model.prepare() == OK
status, whole = model.call("predict", B, [T], words=words, x=x)
assert status == OK
for sizes in ([11], [1] * 11, [4, 0, 3, 4], [2, 9], [5, 1, 5]):
    model.start("stream", B)
    ends = np.cumsum([0] + sizes)
    same(joined([part(model, a, b) for a, b in zip(ends, ends[1:])]), whole, sizes)
    # Without prepared weights: the same bits.
    prepared, model.prepared = model.prepared, None
    model.start("stream", B)
    again = joined([part(model, a, b) for a, b in zip(ends, ends[1:])])
    model.prepared = prepared
    model.start("stream", B)
    first = joined([part(model, a, b) for a, b in zip(ends, ends[1:])])
    assert all((again[n] == first[n]).all() for n in first), sizes
print("parts ok")

# Steps between parts.
model.start("stream", B)
outs = [part(model, 0, 4)]
for t in (4, 5):
    status, out = model.call("step", B, words=words[:, t], x=x[:, t])
    assert status == OK
    outs.append({n: v[:, None] for n, v in out.items()})
outs.append(part(model, 6, T))
same(joined(outs), whole, "step between")
print("steps between ok")

# Rows that end in the midst of a part, or have nothing in it, go on from where they were.
model.start("stream", B)
given = [(0, 5, [5, 2, 0]), (0, 6, [6, 1, 6])]
at = [0, 0, 0]
for _, size, lengths in given:
    w, v = np.zeros((B, size), int), np.zeros((B, size, 3))
    for b, n in enumerate(lengths):
        w[b, :n], v[b, :n] = words[b, at[b]:at[b] + n], x[b, at[b]:at[b] + n]
    status, out = model.call("predict_chunk", B, [size], words=w, x=v, T=lengths)
    assert status == OK
    for b, n in enumerate(lengths):
        row = {name: out[name][b:b + 1, :n] for name in out}
        same(row, {name: whole[name][b:b + 1, at[b]:at[b] + n] for name in whole}, ("ragged", b))
        assert all((out[name][b, n:] == 0).all() for name in out)
        at[b] += n
# A row begins anew; the others go on.
reset = np.array([0, 1, 0], np.int32)
assert library.table.stream_reset(model.index, model.stream.ctypes.data, reset.ctypes.data, None) == OK
out = part(model, 0, 3)
same({n: v[1:2] for n, v in out.items()}, {n: v[1:2, :3] for n, v in whole.items()}, "reset")
assert np.abs(out["level"][0] - whole["level"][0, :3]).max() > 100 * close
print("rows ok")

# Refused as a step is: nothing to go on from, a length or an index out of its range.
model.stream = None
status, _ = model.call("predict_chunk", B, [T], words=words, x=x)
assert status == ARGUMENT, model.error.words()
words[1, 2] = 7
model.start("stream", B)
before = model.stream.copy()
status, _ = model.call("predict_chunk", B, [T], words=words, x=x)
assert status == INDEX and (model.error.example, model.error.step) == (1, 2)
status, _ = model.call("predict_chunk", B, [T], words=words, x=x, T=[1, 2, 12])
assert status == LENGTH and (model.stream == before).all()
status, _ = model.call("predict_chunk", 2, [T], words=words[:2] % 7, x=x[:2])
assert status == ARGUMENT
print("refused ok")

for name in ("Backward", "Centred", "Ended", "Answer"):
    assert "predict" in library.module(name).functions()
    assert "predict_chunk" not in library.module(name).functions(), name
print("not causal ok")
