#!/bin/sh
# A hidden Markov model and three nets of about as many parameters learn the order of parts of speech
# in UD English in FOLDER (en_ewt-{train,dev,test}.tsv: word, part of speech). Prints the perplexity
# of the test part: run.sh FOLDER [OUT [options of train]]
set -eu
data=${1:?usage: run.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
for part in train dev test; do # the tags of a sentence on a line
  awk -F '\t' 'NF > 1 { line = line (line == "" ? "" : " ") $2; next } line != "" { print line; line = "" }
               END { if (line != "") print line }' "$data/en_ewt-$part.tsv" > "$out/$part.txt"
done
for net in hmm rnn_tanh:30 gru:18 lstm:16; do
  name=${net%:*}
  if [ "$name" = hmm ]; then
    cp "$here/hmm.rnn" "$out/hmm.rnn"
  else
    sed "s/= lstm\[/= $name[/; s/H = 16/H = ${net#*:}/" "$here/net.rnn" > "$out/$name.rnn"
  fi
  rm -rf "$out/$name"
  rnnc train "$out/$name.rnn" --data "$out/train.txt" --valid "$out/dev.txt" --unit words --seed 1 --out "$out/$name" \
    --quiet "$@" > /dev/null
  printf '%s, %s parameters: ' "$name" "$(rnnc inspect "$out/$name" --json |
    python3 -c 'import json, math, sys; print(sum(math.prod(p["shape"]) for p in json.load(sys.stdin)["parameters"]))')"
  rnnc eval "$out/$name" --data "$out/test.txt"
done
