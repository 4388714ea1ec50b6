"""rates.py FOLDER: trains one number by plain descent: its error shrinks by 1 - rate at each
update, so that the product over the rates in the log has to be what is left of it."""
import json
import math
import pathlib
import struct
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
(folder / "data.csv").write_text("x,y\n" + "0,1\n" * 8)
SCHEDULES = ["constant", "cosine(warmup = 2)", "step(every = 1, by = 0.5, after = 1)", "onecycle(peak = 0.4)",
             "linear(hold = 0.5, to = 0.2)", "linear"]
for number, schedule in enumerate(SCHEDULES):
    source = folder / "m.rnn"
    source.write_text(f"""model M {{
  input x : real
  output y : real
  param w : real = 0
  y ~ normal(w + 0 * x, 1)
}}
train M {{
  optimize sgd(lr = 0.1)
  schedule {schedule}
  batch 4
  precision f64
}}
""")
    out = folder / f"run{number}"
    subprocess.run(["rnnc", "train", source, "--data", folder / "data.csv", "--out", out, "--steps", "8",
                    "--quiet", "-O", "0"], check=True, stdout=subprocess.DEVNULL)
    rates = [json.loads(line)["rate"] for line in open(out / "log.jsonl") if '"rate"' in line]
    raw = (out / "last.safetensors").read_bytes()
    length, = struct.unpack("<Q", raw[:8])
    begin, _ = json.loads(raw[8:8 + length])["w"]["data_offsets"]
    weight, = struct.unpack("<d", raw[8 + length + begin:][:8])
    left = math.prod(1 - rate for rate in rates)
    assert len(rates) == 8 and abs((1 - weight) - left) < 1e-12, (schedule, weight, left)
    print(f"{schedule}:", *(f"{rate:.4g}" for rate in rates))
print("all agree")
