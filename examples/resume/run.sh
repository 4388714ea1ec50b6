#!/bin/sh
# Trains on the resumes in FOLDER ({train,dev,test}.char.bmes) and prints precision, recall and
# F1 of the spans of the test part: run.sh FOLDER [OUT]
set -eu
data=${1:?usage: run.sh FOLDER [OUT]} out=${2:-run} here=$(dirname "$0")
rnnc train "$here/resume.rnn" --data "$data/train.char.bmes" --valid "$data/dev.char.bmes" \
  --columns char=0,pair=0:pair,tags=1 --min-count 2 --seed 1 --out "$out"
rnnc eval "$out" --data "$data/test.char.bmes"
