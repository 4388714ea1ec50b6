#!/bin/sh
# Trains English to Chinese on the sentences of Tatoeba in FOLDER (cmn.txt: English, tab, Chinese)
# and prints BLEU of the test part: chinese.sh FOLDER [OUT [options of train]]. Of the sorted
# English sentences every tenth is test, the one behind it validation; any listed translation of
# a sentence is right. Words are read, characters are written.
set -eu
data=${1:?usage: chinese.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
tr 'A-Z' 'a-z' < "$data/cmn.txt" | awk -F '\t' '{ gsub(/[^a-z0-9\200-\377 ]/, " & ", $1); gsub(/  +/, " ", $1); gsub(/ /, "", $2); print $1 "\t" $2 }' |
  LC_ALL=C sort -s -t "$(printf '\t')" -k 1,1 |
  awk -F '\t' -v out="$out" 'BEGIN { k = -1 }
       $1 != last { last = $1; ++k }
       { print > (out "/" (k % 10 == 0 ? "test" : k % 10 == 1 ? "valid" : "train") ".tsv") }'
rnnc train "$here/translation.rnn" --data "$out/train.tsv" --valid "$out/valid.tsv" --columns src=0,tgt=1 \
  --unit src=words,tgt=chars --min-count 2 --seed 1 --out "$out/model" "$@"
rnnc eval "$out/model" --data "$out/test.tsv" --many-right --beam
