#!/bin/sh
# Trains on the TREC questions in FOLDER (TREC.train.txt, TREC.test.txt) and prints the figures
# of the test part: run.sh FOLDER [OUT]
set -eu
data=${1:?usage: run.sh FOLDER [OUT]} out=${2:-run} here=$(dirname "$0")
mkdir -p "$out"
for part in train test; do # the fine classes go: `NUM:date` is `NUM`
  LC_ALL=C sed 's/:[^ ]*//' "$data/TREC.$part.txt" > "$out/$part.txt"
done
rnnc train "$here/questions.rnn" --data "$out/train.txt" --format space --encoding latin-1 --lower --min-count 2 \
  --seed 1 --out "$out/model"
rnnc eval "$out/model" --data "$out/test.txt"
