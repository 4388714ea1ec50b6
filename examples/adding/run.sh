#!/bin/sh
# Who solves the adding problem over T steps: plain RNN, IRNN, GRU, LSTM, each with clipping and
# without. Prints the mean square error of each: run.sh T [OUT [UPDATES]].
# It learns from 20,000 examples, or as many as EXAMPLES in the environment says; CELLS names those
# that are asked, FREE=no leaves out those without clipping.
set -eu
steps=${1:?usage: run.sh T [OUT [UPDATES]]} out=${2:-run} updates=${3:-2000} here=$(dirname "$0")
mkdir -p "$out"
python3 "$here/../make_data.py" adding "$out/train.npz" --count "${EXAMPLES:-20000}" --length "$steps" --seed 1
python3 "$here/../make_data.py" adding "$out/test.npz" --count 1000 --length "$steps" --seed 2
for cell in ${CELLS:-rnn_tanh irnn gru lstm}; do
  sed "s/lstm\[/$cell[/" "$here/long.rnn" > "$out/$cell.rnn"
  sed '/clip/d' "$out/$cell.rnn" > "$out/$cell-free.rnn"
  for model in $cell $cell-free; do
    [ "$model" = "$cell" ] || [ "${FREE:-yes}" = yes ] || continue
    rm -rf "$out/$model"
    rnnc train "$out/$model.rnn" --data "$out/train.npz" --steps "$updates" --seed 1 --out "$out/$model" --quiet \
      > /dev/null || true # a training that ends in infinities has failed, and says so
    printf '%s, T = %s: ' "$model" "$steps"
    rnnc eval "$out/$model" --data "$out/test.npz" || true
  done
done
