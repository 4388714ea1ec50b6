#!/bin/sh
# Is a good sentence likelier than the same in disorder? Trains on the sentences of Tatoeba in FOLDER
# (cmn.txt: English, tab, Chinese), Chinese by characters or English by words, and compares 500
# (of a small file a tenth) sentences of four and more symbols, which training did not see, with a shuffled copy of each:
# pairs.sh chinese|english FOLDER [OUT [options of train]]
set -eu
usage='usage: pairs.sh chinese|english FOLDER [OUT [options of train]]'
language=${1:?$usage} data=${2:?$usage} out=${3:-run} here=$(dirname "$0")
shift 2; [ $# -eq 0 ] || shift
case $language in
  chinese) column=2 unit=chars ;;
  english) column=1 unit=words ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
mkdir -p "$out"
python3 - "$data/cmn.txt" $column $unit "$out" <<'PYTHON'
import random, re, sys

path, column, unit, out = sys.argv[1:]
rng = random.Random(1)
lines = {line.rstrip("\n").split("\t")[int(column) - 1] for line in open(path, encoding="utf-8")}
if unit == "words":
    lines = {" ".join(re.findall(r"[\w']+|[^\w\s]", line.lower())) for line in lines}
lines = sorted(line for line in lines if line)
rng.shuffle(lines)
split = lambda line: line.split() if unit == "words" else list(line)
test, learn = [], []
for line in lines:
    (test if len(test) < min(500, len(lines) // 10) and len(split(line)) >= 4 else learn).append(line)
with open(out + "/train.txt", "w") as file:
    file.writelines(line + "\n" for line in learn)
with open(out + "/pairs.txt", "w") as file:
    for line in test:
        symbols = split(line)
        while symbols == split(line):
            rng.shuffle(symbols)
        file.write(line + "\n" + (" " if unit == "words" else "").join(symbols) + "\n")
PYTHON
rnnc train "$here/fluency.rnn" --data "$out/train.txt" --unit $unit --split 95/5/0 --seed 1 --out "$out/model" --quiet "$@" \
  > /dev/null
rnnc eval "$out/model" --data "$out/pairs.txt" --per-line --json | python3 -c '
import json, sys
values = [line["perplexity"] for line in json.load(sys.stdin)["lines"]]
pairs = list(zip(values[::2], values[1::2]))
better = sum(good < bad for good, bad in pairs)
middle = lambda numbers: sorted(numbers)[len(numbers) // 2]
print(f"the good sentence is likelier in {better} of {len(pairs)} pairs ({100 * better / len(pairs):.1f} %); "
      f"perplexity in the middle {middle([g for g, _ in pairs]):.1f}, of the scrambled ones {middle([b for _, b in pairs]):.1f}")'
