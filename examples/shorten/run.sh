#!/bin/sh
# Makes sentences and what is left of them, trains on 4,000 and prints how many of 500 others are
# shortened right: run.sh [OUT [options of train]]
set -eu
out=${1:-run} here=$(dirname "$0")
[ $# -eq 0 ] || shift
mkdir -p "$out"
python3 "$here/../make_data.py" shorten "$out/train.tsv" --count 4000 --seed 1
python3 "$here/../make_data.py" shorten "$out/test.tsv" --count 500 --seed 2
rnnc train "$here/shorten.rnn" --data "$out/train.tsv" --unit words --seed 1 --out "$out/model" "$@"
rnnc eval "$out/model" --data "$out/test.tsv"
rnnc eval "$out/model" --data "$out/test.tsv" --beam
