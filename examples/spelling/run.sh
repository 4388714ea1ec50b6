#!/bin/sh
# Trains on CMUdict in FOLDER (cmudict.txt: WORD n P1 P2 ...) and prints phoneme and word error
# rates of the test part: run.sh FOLDER [OUT [options of train]]. Stress goes; of the sorted
# words every tenth is test, the one behind it validation; any listed sound is right.
set -eu
data=${1:?usage: run.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
LC_ALL=C awk '{ sound = ""; for (i = 3; i <= NF; ++i) { p = $i; sub(/[012]$/, "", p); sound = sound (i > 3 ? " " : "") p }
                if (!seen[$1, sound]++) print $1 "\t" sound }' "$data/cmudict.txt" | LC_ALL=C sort -s -t "$(printf '\t')" -k 1,1 |
  awk -F '\t' -v out="$out" 'BEGIN { k = -1 }
       $1 != last { last = $1; ++k }
       { print > (out "/" (k % 10 == 0 ? "test" : k % 10 == 1 ? "valid" : "train") ".tsv") }'
rnnc train "$here/spelling.rnn" --data "$out/train.tsv" --columns word=0,sound=1 --unit word=chars,sound=words \
  --seed 1 --out "$out/model" "$@"
rnnc eval "$out/model" --data "$out/test.tsv" --many-right
rnnc eval "$out/model" --data "$out/test.tsv" --many-right --beam
