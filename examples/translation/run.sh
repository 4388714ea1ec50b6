#!/bin/sh
# Trains German to English on Multi30k in FOLDER (train, val and test_2016_flickr, each .de and .en:
# a sentence a line) and prints BLEU of the test part, greedily and with a beam:
# run.sh FOLDER [OUT [options of train]]
set -eu
data=${1:?usage: run.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
for part in train val test_2016_flickr; do
  for language in de en; do # small letters; each mark is a word
    LC_ALL=C sed -e "s/[^A-Za-z0-9 $(printf '\200-\377')]/ & /g" -e 's/„/ & /g; s/“/ & /g; s/”/ & /g; s/‚/ & /g; s/‘/ & /g; s/’/ & /g; s/–/ & /g; s/…/ & /g' -e 's/Ä/ä/g; s/Ö/ö/g; s/Ü/ü/g' \
      -e 's/  */ /g; s/^ //; s/ $//' "$data/$part.$language" | tr 'A-Z' 'a-z' > "$out/$part.$language"
  done
done
rnnc train "$here/translation.rnn" --data "src=$out/train.de,tgt=$out/train.en" --valid "src=$out/val.de,tgt=$out/val.en" \
  --unit words --min-count 2 --seed 1 --out "$out/model" "$@"
rnnc eval "$out/model" --data "src=$out/test_2016_flickr.de,tgt=$out/test_2016_flickr.en"
rnnc eval "$out/model" --data "src=$out/test_2016_flickr.de,tgt=$out/test_2016_flickr.en" --beam
