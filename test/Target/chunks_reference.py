"""chunks_reference.py MODEL.rnn TEMP: two parts, compiled and interpreted; each
goes on from its own states."""
import subprocess
import sys

import numpy as np

model, temp = sys.argv[1:]
draw = np.random.default_rng(4)
words, x = draw.integers(0, 7, (2, 6)).astype(np.int32), draw.normal(size=(2, 6, 3))


def run(function, out, *options, **arrays):
    np.savez(temp + ".in.npz", **arrays)
    subprocess.run(["rnnc", "run", model, function, "--seed", "5", "--in", temp + ".in.npz",
                    "--out", out, *options], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(out))


whole = run("Tags.predict", temp + ".w.npz", "--reference", words=words, x=x)
for options in (["--reference"], ["--precision", "f64"]):
    states, parts = {}, []
    for begin, end, lengths in ((0, 4, [4, 4]), (4, 6, [2, 2])):
        out = run("Tags.predict_chunk", temp + ".p.npz", *options, words=words[:, begin:end],
                  x=x[:, begin:end], T=np.array(lengths, np.int32), **states)
        states = {n.removeprefix("state."): v for n, v in out.items() if n.startswith("state.")}
        assert len(states) == 4, sorted(out)
        parts.append(out)
    for name in whole:
        got = np.concatenate([p[name] for p in parts], 1)
        assert np.abs(got - whole[name]).max() < 1e-9, (options, name)
    if options == ["--reference"]:
        last = states
for name in last:
    assert np.abs(last[name] - states[name]).max() < 1e-9, name
print("compiled and interpreted parts agree")
