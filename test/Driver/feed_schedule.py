"""feed_schedule.py FOLDER: with a rate of 0 each update has the loss of its batch and of the
share of draws of that update alone: that of a schedule is that of the number it says."""
import json
import pathlib
import random
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
draw = random.Random(1)
(folder / "a.txt").write_text("".join(
    "".join(draw.choice("abcde") for _ in range(draw.randint(2, 12))) + "\n" for _ in range(40)))
UPDATES = 6


def losses(feed, *options, out=None):
    name = out or "".join(c for c in feed if c.isalnum())
    (folder / "m.rnn").write_text(f"""import std
dim V, H = 6
cell speak(prev: in V) -> categorical[V] {{
  param Emb : [V, H] ~ normal(0, 2)
  use net = gru[H, H], head = dense[H, V]
  out categorical(3 * head(net(Emb[prev])))
}}
model M {{
  time T
  output text : [T] in V
  use s = speak
  text ~ unfold s start 0 stop 1
}}
train M {{
  optimize sgd(lr = 0)
  batch 8
  precision f64
  feed {feed}
}}
""")
    subprocess.run(["rnnc", "train", "-O0", folder / "m.rnn", "--data", folder / "a.txt", "--unit", "chars", "--out",
                    folder / name, "--quiet", *options], check=True, stdout=subprocess.DEVNULL)
    log = [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]
    return [one["loss"] for one in log if "lr" in one or "norm" in one][:UPDATES]


def same(got, wanted):
    """Programs that draw and that do not are compiled apart: sums may differ in their last bits."""
    return len(got) == len(wanted) and all(abs(a - b) <= 1e-13 * abs(b) for a, b in zip(got, wanted))


steps = ["--steps", str(UPDATES)]
truth, half, all_ = (losses(feed, *steps) for feed in ("truth", "sampled 0.5", "sampled 1"))
assert len(truth) == UPDATES and len({truth[2], half[2], all_[2]}) == 3, (truth, half, all_)
grown = losses("sampled linear(to = 1, until = 4, after = 2)", *steps)
assert same(grown, truth[:3] + half[3:4] + all_[4:]), (grown, truth, half, all_)
assert same(losses("sampled exponential(k = 0.5)", *steps)[:2], [truth[0], half[1]])
assert same(losses("sampled sigmoid(k = 1)", *steps)[:1], half[:1])
cut = "sampled linear(1, 4, 2)"
losses(cut, "--steps", "3", out="cut")
assert losses(cut, *steps, "--resume", out="cut") == grown
print("shares of draws grow as they say")
