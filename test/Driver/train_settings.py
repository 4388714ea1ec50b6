"""train_settings.py FOLDER: what schedules and the mean of weights do to a weight whose
gradient is 1 in every update, against their formulas; and whether a training that was cut
goes on to the same bytes."""
import json
import math
import pathlib
import struct
import subprocess
import sys

import npz

UPDATES, RATE = 12, 0.1
SETTINGS = {"onecycle": "schedule onecycle(peak = 0.5)", "plateau": "schedule plateau(patience = 1, by = 0.5)",
            "default": "schedule plateau", "average": "average 0.9",
            "both": "schedule plateau(patience = 0, by = 0.5)\n  average 0.5"}
folder = pathlib.Path(sys.argv[1])


def numbers(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in ("F32", "F64"):
            begin, end = (8 + size + at for at in entry["data_offsets"])
            code = {"F32": "f", "F64": "d"}[entry["dtype"]]
            out[name] = struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end])
    return out


def cycle(t):
    """OneCycleLR of PyTorch with max_lr = 0.5, div_factor = 5."""
    top, last = 0.3 * UPDATES - 1, UPDATES - 1
    low, high, progress = (RATE, 0.5, t / top) if t < top else (RATE * 1e-4, 0.5, 1 - (t - top) / (last - top))
    return low + (high - low) * (1 - math.cos(math.pi * progress)) / 2


def halvings(patience):
    """The loss is always the same: the first epoch, two updates, is the best."""
    rates, scale, since = [], 1, -1
    for epoch in range(UPDATES // 2):
        rates += [RATE * scale] * 2
        since += 1
        if since > patience:
            scale, since = scale / 2, 0
    return rates


def mean(rates, decay):
    w = average = 0
    for rate in rates:
        w -= rate
        average += (1 - decay) * (w - average)
    return average / (1 - decay ** len(rates))


RATES = {"onecycle": [cycle(t) for t in range(UPDATES)], "plateau": halvings(1), "default": [RATE] * UPDATES,
         "average": [RATE] * UPDATES, "both": halvings(0)}
DECAY = {"average": 0.9, "both": 0.5}
data = folder / "rows.npz"
npz.write(data, {"x": [[0.0, 0.0]] * 8})
for name, setting in SETTINGS.items():
    source = folder / f"{name}.rnn"
    source.write_text(f"""model M {{
  input x : [2]
  param w : real = 0
  param fixed : real = 3 frozen
  loss fixed * 0 + w - stop(w) + 0 * sum(x)
}}
train M {{
  optimize sgd(lr = {RATE})
  {setting}
  batch 4
  epochs 6
  precision f64
}}
""")

    def train(out, *options):
        subprocess.run(["rnnc", "train", "-O0", source, "--data", data, "--out", folder / out, "--quiet", *options],
                       check=True, stdout=subprocess.DEVNULL)

    train(f"{name}.whole")
    train(f"{name}.parts", "--steps", "5")
    whole = numbers(folder / f"{name}.whole/last.safetensors")
    want = mean(RATES[name], DECAY[name]) if name in DECAY else -sum(RATES[name])
    assert abs(whole["w"][0] - want) < 1e-9, (name, whole["w"], want)
    assert whole["fixed"] == (3,), whole
    if name in DECAY:
        trained = -sum(RATES[name])
        assert abs(whole["trainer.weights.w"][0] - trained) < 1e-9, (name, whole, trained)
    if name != "onecycle":  # five updates asked for are a cycle of their own
        train(f"{name}.parts", "--epochs", "6", "--resume")
        assert (folder / f"{name}.parts/last.safetensors").read_bytes() == \
            (folder / f"{name}.whole/last.safetensors").read_bytes(), name
print("all settings do what they say")
