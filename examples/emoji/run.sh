#!/bin/sh
# Trains on the emoji in FOLDER (images.part1.u8, images.part2.u8, captions.tsv: index, split, code
# points, English, Chinese) and prints how many pictures of the test part are told right: their
# tone of skin, then their captions, by a convolutional net and from raw pixels.
# run.sh FOLDER [OUT [tone|conv|raw|chinese ...]]
set -eu
data=${1:?usage: run.sh FOLDER [OUT [tone|conv|raw|chinese ...]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
pictures=$data/images.part1.u8+$data/images.part2.u8
for part in train valid test; do
  # Marks are symbols of their own; what the pictures are is the column `img`.
  awk -F '\t' -v part=$part 'NR == 1 { print "img\tcaption" }
       $2 == part { text = tolower($4); gsub(/[:,.!()&]|“|”/, " & ", text); gsub(/  +/, " ", text); print $1 "\t" text }' \
    "$data/captions.tsv" > "$out/$part.tsv"
  awk -F '\t' -v part=$part 'NR == 1 { print "img\tcaption" } $2 == part { print $1 "\t" $5 }' \
    "$data/captions.tsv" > "$out/$part.zh.tsv"
  # One tone each: with two of them the picture has no single answer.
  awk -F '\t' -v part=$part 'NR == 1 { print "img\ttone" }
       $2 == part && match($4, /(medium-)?(light|medium|dark) skin tone$/) && gsub(/skin tone/, "&", $4) == 1 {
         tone = substr($4, RSTART, RLENGTH); sub(/ skin tone/, "", tone); print $1 "\t" tone }' \
    "$data/captions.tsv" > "$out/$part.tone.tsv"
done

one() { # MODEL NAME ENDING [OPTIONS]
  model=$1 name=$2 ending=$3; shift 3
  rnnc train "$here/$model.rnn" --data "img=$pictures,$out/train$ending.tsv" --valid "img=$pictures,$out/valid$ending.tsv" \
    --seed 1 --out "$out/$name" --quiet "$@" > /dev/null
  printf '%s: ' "$name"
  # The last weights: the loss on new names is lowest long before most of them are right.
  rnnc eval "$out/$name" --data "img=$pictures,$out/test$ending.tsv" --weights "$out/$name/last.safetensors"
}

for what in ${*:-tone conv raw}; do
  case $what in
    tone)    one tone tone .tone ;;
    chinese) one conv chinese .zh --unit chars ;;
    *)       one "$what" "$what" '' ;;
  esac
done
