#!/bin/sh
# Trains a hidden Markov model and three nets of about 20,000 parameters with the same output, and
# a larger LSTM with a bit for each key, on the JSB chorales in FOLDER (jsb.{train,valid,test}.txt:
# MIDI keys of a step a line). Prints nats a step of the test part: run.sh FOLDER [OUT]
set -eu
data=${1:?usage: run.sh FOLDER [OUT]} out=${2:-run} here=$(dirname "$0")
for model in hmm rnn gru lstm keys; do
  rnnc train "$here/$model.rnn" --data "$data/jsb.train.txt" --valid "$data/jsb.valid.txt" --format roll \
    --seed 1 --out "$out/$model" --quiet
  printf '%s: ' $model
  rnnc eval "$out/$model" --data "$data/jsb.test.txt"
done
