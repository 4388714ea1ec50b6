#!/bin/sh
# A task of long memory with plain RNN, IRNN, GRU and LSTM, each with clipping and without:
#   cells.sh TASK MODEL EXAMPLES UPDATES T [OUT [UPDATES]]
# TASK is one of make_data.py, MODEL a source with an lstm; EXAMPLES and the first UPDATES are what
# its run.sh says. It learns from as many examples as EXAMPLES in the environment says; CELLS names
# those that are asked, FREE=no leaves out those without clipping, SCHEDULE is a schedule of the rate,
# TRAIN holds more options of train.
set -eu
task=$1 source=$2 examples=${EXAMPLES:-$3} steps=$5 out=${6:-run} updates=${7:-$4} here=$(dirname "$0")
mkdir -p "$out"
python3 "$here/make_data.py" "$task" "$out/train.npz" --count "$examples" --length "$steps" --seed 1
python3 "$here/make_data.py" "$task" "$out/test.npz" --count 1000 --length "$steps" --seed 2
for cell in ${CELLS:-rnn_tanh irnn gru lstm}; do
  sed "s/lstm\[/${cell}[/${SCHEDULE:+; s/^  batch /  schedule $SCHEDULE\\n&/}" "$source" > "$out/$cell.rnn"
  sed '/clip/d' "$out/$cell.rnn" > "$out/$cell-free.rnn"
  for model in $cell $cell-free; do
    [ "$model" = "$cell" ] || [ "${FREE:-yes}" = yes ] || continue
    rm -rf "$out/$model"
    # shellcheck disable=SC2086 # options are words of their own
    rnnc train "$out/$model.rnn" --data "$out/train.npz" --steps "$updates" --seed 1 --out "$out/$model" --quiet \
      ${TRAIN:-} > /dev/null || true # a training that ends in infinities has failed, and says so
    printf '%s, T = %s: ' "$model" "$steps"
    rnnc eval "$out/$model" --data "$out/test.npz" | head -n 1 || true
  done
done
