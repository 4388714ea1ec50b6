#!/bin/sh
# Does a picture help to say what is in it? Trains on the thumbnails of Flickr8k in FOLDER (images.u8,
# captions.tsv: index, split, file, caption) once as they are and once all black, and prints the
# loss on captions of the test part, nats a word: photos.sh FOLDER [OUT [options of train]]
set -eu
data=${1:?usage: photos.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
for part in train valid test; do
  awk -F '\t' -v part=$part 'NR == 1 { print "img\tcaption" }
       $2 == part { text = tolower($4); gsub(/[.,!?;:()"]/, " & ", text); gsub(/  +/, " ", text); print $1 "\t" text }' \
    "$data/captions.tsv" > "$out/$part.tsv"
done
head -c "$(wc -c < "$data/images.u8")" /dev/zero > "$out/black.u8"
for pictures in "$data/images.u8" "$out/black.u8"; do
  name=$(basename "$pictures" .u8)
  rnnc train "$here/photos.rnn" --data "img=$pictures,$out/train.tsv" --valid "img=$pictures,$out/valid.tsv" \
    --min-count 3 --seed 1 --out "$out/$name" --quiet "$@" > /dev/null
  printf '%s: ' "$name"
  rnnc eval "$out/$name" --data "img=$pictures,$out/test.tsv"
done
