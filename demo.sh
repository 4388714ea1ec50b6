#!/usr/bin/env bash
# The main job of rnnc from nothing on a bare Debian 12: builds the compiler,
# compiles a character language model, trains it on the King James Bible for
# about three minutes, reports held-out bits per character and writes some
# verses of its own. Takes SECONDS_TO_TRAIN (180) and DIR (demo-run) from the
# environment.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${SECONDS_TO_TRAIN:-180}
dir=${DIR:-demo-run}

./setup.sh demo
./build.sh release rnnc

mkdir -p "$dir"
echo "== the text: the King James Bible of the Debian package bible-kjv-text =="
[ -s "$dir/kjv.txt" ] || bible -f gen1:1-rev22:21 | sed 's/^[^ ]* //' >"$dir/kjv.txt"
ls -l "$dir/kjv.txt"

echo "== compile: examples/char-lm/charlm.rnn, a two-layer LSTM =="
build/bin/rnnc examples/char-lm/charlm.rnn -D V=96 -o "$dir/libcharlm.so"
ls -l "$dir/libcharlm.so" "$dir/libcharlm.h"

echo "== train for $seconds s on $(nproc) cores =="
rm -rf "$dir/model"
build/bin/rnnc train examples/char-lm/charlm.rnn --data "$dir/kjv.txt" --split 95/5/0 \
  --out "$dir/model" --max-time "$seconds" --threads "$(nproc)" --seed 1

echo "== held-out text =="
build/bin/rnnc eval "$dir/model" --data "$dir/kjv.txt" --split 95/5/0 --part valid

echo "== what it writes =="
build/bin/rnnc sample "$dir/model" --prompt "And God said" --length 400 --seed 1 --temperature 0.7
