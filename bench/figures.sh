#!/usr/bin/env bash
# Trains one of the examples on a real data set and prints its figure.
#   figures.sh TASK DATA OUT    DATA is the folder of the set (wordnet: none, "-")
# TASK: tinyshakespeare, warandpeace, ptb, ptb-medium, sst2, chnsenticorp, wordnet, fluency.
set -euo pipefail
task=$1 data=$2 out=$3
here=$(cd "$(dirname "$0")/.." && pwd)
rnnc=${RNNC:-$here/build/bin/rnnc}
threads=${THREADS:-$(nproc)}
rm -rf "$out"
mkdir -p "$out"

train() { "$rnnc" train "$@" --out "$out/model" --threads "$threads" --seed 1; }

case $task in
tinyshakespeare) # nats a character on the last tenth
  train "$here/examples/char-lm/charlm.rnn" --data "$data/input.txt" --split 90/10/0 --steps 2000
  ;;
warandpeace) # nats a character on the last tenth, 1263 updates or STEPS; the rate holds, then falls straight
  sed 's/schedule .*/schedule linear(hold = 0.6, to = 0.05)/' "$here/examples/char-lm/charlm.rnn" >"$out/charlm.rnn"
  train "$out/charlm.rnn" --data "$data/warandpeace.txt" --split 80/10/10 --steps "${STEPS:-1263}"
  ;;
ptb) # test perplexity, 13 epochs or EPOCHS
  cat "$data"/ptb.train.part1.txt "$data"/ptb.train.part2.txt >"$out/train.txt"
  train "$here/examples/word-lm/wordlm.rnn" --data "$out/train.txt" --valid "$data/ptb.valid.txt" \
    --unit words ${EPOCHS:+--epochs "$EPOCHS"}
  "$rnnc" eval "$out/model" --data "$data/ptb.test.txt"
  ;;
ptb-medium) # the same of the medium model, the first 2 of its 39 epochs or EPOCHS
  cat "$data"/ptb.train.part1.txt "$data"/ptb.train.part2.txt >"$out/train.txt"
  train "$here/examples/word-lm/medium.rnn" --data "$out/train.txt" --valid "$data/ptb.valid.txt" \
    --unit words --epochs "${EPOCHS:-2}"
  "$rnnc" eval "$out/model" --data "$data/ptb.test.txt"
  ;;
sst2) # test accuracy, trained on sentences and phrases
  python3 "$here/bench/sst_phrases.py" "$data" "$out"
  train "$here/examples/sentiment/bilstm.rnn" --data "$out/train.tsv" --valid "$out/dev.tsv"
  "$rnnc" eval "$out/model" --data "$out/test.tsv"
  ;;
chnsenticorp) # every tenth row is the test part, the row after it the validation part
  awk 'NR == 1 { print > train; print > valid; print > test; next }
       { k = (NR - 2) % 10; print > (k == 0 ? test : k == 1 ? valid : train) }' \
    train="$out/train.csv" valid="$out/valid.csv" test="$out/test.csv" \
    <(sed '1s/^\xef\xbb\xbf//' "$data/ChnSentiCorp_htl_all.csv")
  train "$here/examples/chinese-reviews/reviews.rnn" --data "$out/train.csv" --valid "$out/valid.csv" --unit chars
  "$rnnc" eval "$out/model" --data "$out/test.csv"
  ;;
wordnet) # part of speech from the gloss, every tenth entry is the test part
  "$here/examples/wordnet-pos/make_data.sh" "$out/glosses.tsv"
  train "$here/examples/wordnet-pos/pos.rnn" --data "$out/glosses.tsv" --split-mod 10
  ;;
fluency) # perplexity of a fluent Chinese sentence and of a scrambled one, after SECONDS_TO_TRAIN
  cut -f2 "$data/cmn.txt" | LC_ALL=C sort -u | shuf --random-source="$data/cmn.txt" >"$out/sentences.txt"
  train "$here/examples/chinese-fluency/fluency.rnn" --data "$out/sentences.txt" --split 95/5/0 \
    --max-time "${SECONDS_TO_TRAIN:-150}"
  printf '今天是周六\n是今天周六\n' >"$out/pair.txt"
  "$rnnc" eval "$out/model" --data "$out/pair.txt" --per-line
  ;;
*)
  echo "unknown task $task" >&2
  exit 2
  ;;
esac
