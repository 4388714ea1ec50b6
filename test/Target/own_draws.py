#!/usr/bin/env python3
"""own_draws.py RNNC: what is drawn from distributions of one's own, compiled against interpreted and
against what it should be distributed like; equal bytes for equal seeds."""
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Golden"))
from compare import read_safetensors, rnnc, write_safetensors  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parent / "own_draws.rnn"
draw = np.random.default_rng(3)


def run(what, folder, function, arrays, *options):
    write_safetensors(folder / "in.safetensors", arrays)
    given = ["--in", folder / "in.safetensors"] if arrays else []
    rnnc(sys.argv[1], "run", what, function, *given, "--out", folder / "out.safetensors", *options)
    return read_safetensors(folder / "out.safetensors")


def compiled(folder, function, arrays, *options, precision="f32"):
    """By the library of a precision, which is made once."""
    library = folder / f"lib{precision}.so"
    if not library.exists():
        rnnc(sys.argv[1], SOURCE, "-O1", "-march=native", f"--precision={precision}", "-o", library)
    return run(library, folder, function, arrays, *options)


def reference(folder, function, arrays, *options):
    return run(SOURCE, folder, function, arrays, "--reference", *options)


def both(folder, function, arrays, *options):
    """The compiled result, which is the interpreter's."""
    got = compiled(folder, function, arrays, *options, precision="f64")
    want = reference(folder, function, arrays, *options)
    for name, value in got.items():
        assert value.shape == want[name].shape, (function, name, value.shape, want[name].shape)
        assert np.abs(value - want[name]).max() < 1e-10, (function, name, value, want[name])
    again = compiled(folder, function, arrays, "--threads", "3", *options, precision="f64")
    assert all((again[name] == value).all() for name, value in got.items()), function
    return got


def waits(folder):
    given = ("--batch", "3", "--length", "T=4")
    one, two = (both(folder, "Waits.sample", {}, "--seed", seed, *given)["y"] for seed in (1, 2))
    assert one.shape == (3, 4) and (one != two).all() and len(set(one.ravel())) == 12
    assert (both(folder, "Waits.predict", {}, "--seed", "1", *given)["y"] == 0).all()
    many = compiled(folder, "Waits.sample", {}, "--batch", "4000", "--length", "T=1", "--seed", "7")["y"]
    assert abs(many.mean() - 1 / 1.5) < 0.03 and abs(many.std() - 1 / 1.5) < 0.05, many.mean()
    y = {"y": np.abs(draw.standard_normal((2, 3))), "T": np.array([3, 2], np.int32)}
    got, want = compiled(folder, "Waits.grad", y, precision="f64"), reference(folder, "Waits.grad", y)
    assert all(np.abs(got[name] - want[name]).max() < 1e-6 for name in got)


def blend(folder):
    given = {"x": draw.standard_normal((2, 3, 2)), "scores": draw.standard_normal((2, 2, 3)),
             "T": np.array([3, 1], np.int32)}
    got = both(folder, "Blend.sample", given, "--seed", "5")["y"]
    assert got.shape == (2, 4, 3, 2) and (got[1, :, 1:] == 0).all() and len(set(got[0].ravel())) == 24
    both(folder, "Blend.predict", given, "--seed", "5")


def events(folder):
    given = {"rate": np.array([[3.0, 100.0], [0.5, 63.0]])}
    got = both(folder, "Events.sample", given, "--seed", "2")["y"]
    assert got.shape == (2, 3, 2, 2) and (got == np.floor(got)).all()
    many = compiled(folder, "Events.sample", {"rate": np.repeat(given["rate"][:1], 1500, axis=0)}, "--seed", "4")
    first = many["y"][:, :, 0]
    for entry, rate in enumerate((3.0, 100.0)):
        assert abs(first[..., entry].mean() / rate - 1) < 0.03, first.mean(axis=(0, 1))
        assert abs(first[..., entry].var() / rate - 1) < 0.1, first.var(axis=(0, 1))


def writes(folder):
    got = both(folder, "Writes.sample", {}, "--seed", "3", "--batch", "4", "--length", "T=6")
    for text, count in zip(got["y"], got["T"]):
        assert 3 not in text[:int(count) - 1] and (count == 6 or text[int(count) - 1] == 3)
    assert compiled(folder, "Writes.sample", {}, "--seed", "3")["y"].shape == (1, 40)
    y = {"y": np.array([[1, 2, 4, 3], [2, 2, 3, 0]], np.int32), "T": np.array([4, 3], np.int32)}
    got = compiled(folder, "Writes.grad", y, "--seed", "9", precision="f64")
    want = reference(folder, "Writes.grad", y, "--seed", "9")
    assert all(np.abs(got[name] - want[name]).max() < 1e-6 for name in got), (got, want)


def each(folder):
    given = {"x": draw.standard_normal((3, 4, 2)), "T": np.array([4, 2, 0], np.int32)}
    got = both(folder, "Each.sample", given, "--seed", "5")
    assert (got["y"][1, 2:] == 0).all() and (got["g"][1, 2:] == 0).all() and len(set(got["spot"].ravel())) == 6
    # How far the batch is padded changes no draw, nor does another seed's shape.
    narrow = {"x": given["x"][1:, :2], "T": given["T"][1:]}
    narrow = both(folder, "Each.sample", {name: np.concatenate([value[:1] * 0, value]) for name, value in narrow.items()},
                  "--seed", "5")
    assert (narrow["y"][1] == got["y"][1, :2]).all() and (narrow["spot"][1] == got["spot"][1]).all()
    likeliest = both(folder, "Each.sample", given, "--seed", "5", "--set", "temperature=0")
    assert (likeliest["kind"] == likeliest["kind.p"].argmax(1)).all() and (likeliest["y"] == got["y"]).all()
    many = compiled(folder, "Each.sample", {"x": np.zeros((4000, 1, 2)), "T": np.ones(4000, np.int32)}, "--seed", "7")
    assert abs(many["w"].mean() - 1) < 0.05 and abs(many["spot"].mean() - 2.575) < 0.05, many["spot"].mean()


with tempfile.TemporaryDirectory() as name:
    for check in (waits, blend, events, writes, each):
        check(pathlib.Path(name))
        print(check.__name__)
