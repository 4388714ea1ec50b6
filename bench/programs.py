#!/usr/bin/env python3
"""Whole programs, rnnc beside its peers, in turns in one run.

    programs.py [--work stream lm-small adbench ...] [--threads 1 2]
                [--peers torch onnxruntime openvino jax onednn onednn3] [--out DIR]

What there is (`--list`; a prefix takes several):

  stream-…    one step a call from C, states in and out; oneDNN is called so
              from C++, other peers from Python with a sequence of one step,
              which costs them some µs
  lm-…        an update of the word model of examples/word-lm: embedding, two
              LSTMs, softmax over 10,000 words, clipping, sgd; 200 units and 20
              steps, or 650 and 35; beside PyTorch
  classifier  an update of a bidirectional LSTM over sentences of 5 to 60 words
              of 20,000, Adam; beside PyTorch
  adbench-…   the LSTM objective of ADBench in f64 and its gradient, beside a
              plain C++ objective (-O3 -march=native), and the memory of a C
              program that calls the gradient

Results are compared first (outputs of steps to 1e-5, with bf16 weights to 1e-2,
int8 to 3e-2; the losses of the first five updates to 1e-4 of them; what adbench
asks for stands in work/adbench.py); what disagrees is not timed. Then each is
timed in turns, and the best time is shown, of updates the mean over the batches
of the best time of each. `ahead` is the best peer's time over ours: above 1 rnnc is faster.
--out writes the table as programs.md and programs.json.
"""
import argparse
import dataclasses
import datetime
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "test" / "Golden"), str(HERE.parent / "test" / "Target")]
from layers import PEERS, installed, machine  # noqa: E402
from work import adbench, stream, training  # noqa: E402

MODULES = [stream, training, adbench]


def line(row, names):
    cells = [row.work, row.what, str(row.threads), *(row.text(name) for name in names)]
    return "| " + " | ".join([*cells, f"{row.ahead:.2f}" if row.ahead else ""]) + " |"


def chosen(wanted):
    known = {name: module for module in MODULES for name in module.WORK}
    names = {n: module for n, module in known.items() if any(n.startswith(w) for w in wanted)}
    if not names:
        sys.exit(f"nothing is called {' or '.join(wanted)}; there are {', '.join(known)}")
    if wanted == [""]:
        names = {n: module for n, module in names.items() if not n.startswith("tiny")}
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rnnc", default=str(HERE.parent / "build/bin/rnnc"))
    parser.add_argument("--work", nargs="+", default=[""])
    parser.add_argument("--list", action="store_true", help="show what is measured")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--peers", nargs="*", default=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each program in each round")
    parser.add_argument("--processor-time", action="store_true",
                        help="updates by the time of processors, not of the clock: for one thread beside other work")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    if args.list:
        return print("\n".join(f"{n:<24} {what}" for module in MODULES for n, what in module.WORK.items()))
    args.disagree = lambda name, why: print(f"{name}: not timed: {why}", file=sys.stderr)
    names, peers = chosen(args.work), installed(args.peers)
    processor, peak = machine()
    title = f"{processor}, {datetime.date.today()}: FMA peak {peak['fma_gflops']:.0f} GF/s a core"
    columns = ["rnnc", *(peer.name for peer in peers), "C++"]
    head = ["work", "what", "threads", *columns, "ahead"]
    table, rows = [title, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)], []
    print("\n".join(table), flush=True)
    for name, module in names.items():
        for row in module.measure(args, name, peers):
            rows.append(row)
            table.append(line(row, columns))
            print(table[-1], flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "programs.md").write_text("\n".join(table) + "\n")
        (args.out / "programs.json").write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))


if __name__ == "__main__":
    main()
