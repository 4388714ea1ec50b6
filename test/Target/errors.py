"""Wrong arguments, broken weights and gradients that are not finite: a status,
and where it was."""
import json
import struct
import sys

import numpy as np

from library import *

library = Library(sys.argv[1])


def indices():
    lm = library.module("LM")
    text = np.ones((3, 4), int)
    text[1, 2] = 7
    for value in (7, -1, 2**31 - 1):
        text[1, 2] = value
        status, _ = lm.call("loss", 3, [4], text=text)
        e = lm.error
        assert (status, e.example, e.step, e.value, e.name) == (INDEX, 1, 2, value, b"text")
        assert e.argument == 1 and "example 1, step 2" in e.words(), e.words()
    # Padding is not looked at; a value in range is not complained of.
    assert lm.call("loss", 3, [4], text=text, T=[4, 2, 4])[0] == OK
    status, _ = lm.call("sample", 1, [2, 3], seed=1, prompt=[[1, 9]])
    assert (status, lm.error.step, lm.error.value, lm.error.name) == (INDEX, 1, 9, b"prompt")
    lm.start("stream", 2)
    status, _ = lm.call("step", 2, prev=[0, 8])
    assert (status, lm.error.example, lm.error.step) == (INDEX, 1, -1), status
    tagger = library.module("Tagger")
    x, words = np.zeros((2, 3, 3)), np.zeros((2, 3))
    status, _ = tagger.call("loss", 2, [3], words=words, x=x, score=[0, 0], mood=[0, 3])
    assert (status, tagger.error.example, tagger.error.name) == (INDEX, 1, b"mood")


def lengths():
    lm = library.module("LM")
    text = np.ones((2, 4), int)
    for value in (5, -1):
        status, _ = lm.call("loss", 2, [4], text=text, T=[4, value])
        assert (status, lm.error.example, lm.error.value) == (LENGTH, 1, value), status
        assert lm.error.name == b"T"
    full = lm.call("loss", 2, [4], text=text, T=[4, 4])
    assert full == lm.call("loss", 2, [4], text=text)  # NULL: all full


def objects():
    lm = library.module("LM")
    text = np.ones((2, 4), int)
    assert lm.call("loss", 2, [4], text=None)[0] == ARGUMENT and lm.error.name == b"text"
    assert lm.call("loss", 2, [4], text=text, slack=1)[0] == WORKSPACE
    assert "bytes" in lm.error.words()
    assert lm.call("train_step", 2, [4], text=text)[0] == ARGUMENT and lm.error.name == b"optimizer"
    lm.start("carry", 3)
    assert lm.call("loss", 2, [4], text=text)[0] == ARGUMENT and lm.error.name == b"carry"
    lm.carry = memory(lm.carry.size)
    assert lm.call("loss", 2, [4], text=text)[0] == STATE
    lm.carry, lm.prepared = None, memory(1024)
    assert lm.call("loss", 2, [4], text=text)[0] == STATE and lm.error.name == b"prepared"
    lm.prepared, good = None, lm.params
    lm.params = library.module("Tagger").params  # of another module
    assert lm.call("loss", 2, [4], text=text)[0] == STATE and lm.error.name == b"params"
    lm.params = good
    assert lm.call("loss", 2, [4], text=text)[0] == OK


def stale():
    """Weights that changed through the library after `prepare` are noticed."""
    lm = library.module("LM")
    text = np.ones((2, 4), int)
    assert lm.prepare() == OK
    assert lm.call("loss", 2, [4], text=text)[0] == OK
    lm.start("optimizer")
    prepared, lm.prepared = lm.prepared, None
    assert lm.call("train_step", 2, [4], text=text, seed=1)[0] == OK
    lm.prepared = prepared
    assert lm.call("loss", 2, [4], text=text)[0] == STATE and "changed" in lm.error.words()
    assert lm.call("train_step", 2, [4], text=text, seed=1)[0] == STATE
    assert lm.prepare() == OK
    # The one that train_step is given stays good.
    for _ in range(3):
        assert lm.call("train_step", 2, [4], text=text, seed=1)[0] == OK
    fresh = lm.call("loss", 2, [4], text=text)
    lm.prepared = None
    assert fresh == lm.call("loss", 2, [4], text=text)
    other = library.module("LM", seed=2)
    other.prepared = prepared
    assert other.call("loss", 2, [4], text=text)[0] == STATE
    assert "other parameters" in other.error.words()


def not_finite():
    lm = library.module("LM")
    lm.start("optimizer")
    lm.start("carry", 2)
    text = np.ones((2, 4), int)
    assert lm.prepare() == OK
    assert lm.call("train_step", 2, [4], text=text, seed=1)[0] == OK
    for bad in (np.nan, np.inf):
        lm.data("lm.head.b")[2] = bad
        before = lm.params.copy()
        slots, carry = lm.optimizer.copy(), lm.carry.copy()
        skipped = lm.counters().skipped
        status, _ = lm.call("train_step", 2, [4], text=text, seed=1)
        assert status == NOT_FINITE and lm.error.name.startswith(b"lm."), status
        assert lm.error.name.decode() in lm.error.words()
        assert (before == lm.params).all() and lm.counters().skipped == skipped + 1
        assert lm.counters().updates == 1 and lm.counters().bad_parameter >= 0
        assert (slots[192:] == lm.optimizer[192:]).all() and (carry == lm.carry).all()
    lm.data("lm.head.b")[2] = 0
    assert lm.call("train_step", 2, [4], text=text, seed=1)[0] == OK
    assert lm.counters().updates == 2


def safetensors(tensors):
    head, data = {}, b""
    for name, value in tensors.items():
        word = {"float32": "F32", "float64": "F64", "int32": "I32"}[value.dtype.name]
        head[name] = {"dtype": word, "shape": list(value.shape),
                      "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


def loading():
    cell = library.module("gru_3_5", seed=1)
    names = [p["name"] for p in cell.about["parameters"]]
    good = {n: np.arange(cell.data(n).size, dtype=library.real).reshape(cell.data(n).shape)
            for n in names}

    def load(raw):
        raw = np.frombuffer(raw, np.uint8)
        cell.error = Error()
        return cell.table.params_load(cell.index, cell.params.ctypes.data, raw.ctypes.data,
                                      raw.size, c.addressof(cell.error))

    first = cell.params.copy()

    def refused(raw, words):
        assert load(raw) == WEIGHTS, raw[:80]
        assert words in cell.error.words(), cell.error.words()
        assert (first == cell.params).all(), "a refused file changed something"

    whole = safetensors(good)
    for size in list(range(0, 200, 3)) + [len(whole) - 1]:
        refused(whole[:size], "")
    draw = np.random.default_rng(0)
    for _ in range(300):  # noise in the header: refused or read, never a crash
        raw = bytearray(whole)
        for _ in range(3):
            raw[draw.integers(0, 300)] = draw.integers(0, 256)
        load(bytes(raw))
    cell.table.params_init(cell.index, cell.params.ctypes.data, cell.params.size, 1, None)
    first = cell.params.copy()
    refused(b"\x89PNG\r\n\x1a\n" + bytes(100), "safetensors")
    refused(struct.pack("<Q", 2**63) + whole[8:], "safetensors")
    refused(safetensors({k: v for k, v in good.items() if k != "U"}), "`U`")
    refused(safetensors(good | {"Z": good["W"]}), "`Z`")
    refused(safetensors(good | {"W": good["W"].reshape(5, 3, 3)}), "`W`")
    refused(safetensors(good | {"W": good["W"][0]}), "`W`")
    refused(safetensors(good | {"W": good["W"].astype(np.int32)}), "I32")
    if library.real == np.float32:
        refused(safetensors(good | {"b": good["b"].astype(np.float64) + 1e-12}), "`b`")
    assert load(safetensors({k: v.astype(np.float64) for k, v in good.items()})) == OK
    assert load(whole) == OK
    for name in names:
        assert (cell.data(name) == good[name]).all(), name


for test in (indices, lengths, objects, stale, not_finite, loading):
    test()
    print(test.__name__, "ok")
