#!/bin/sh
# Trains on CoNLL-2000 in FOLDER (train.txt, test.txt) and prints precision, recall and F1 of the
# chunks of the test part: run.sh FOLDER [OUT [options of train]]
set -eu
data=${1:?usage: run.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
rnnc train "$here/chunks.rnn" --data "$data/train.txt" --format conll --columns word=0,chars=0,pos=1,tags=2 \
  --split 94/6 --lower --min-count 2 --seed 1 --out "$out" "$@"
rnnc eval "$out" --data "$data/test.txt"
