#!/bin/sh
# Which net reads best: plain RNN, GRU, LSTM and LSTM in both directions, each of them also behind
# windows of three symbols (conv1d). Prints how many texts of the test part each gets right:
#   nets.sh sst2|sst5 FOLDER   Stanford Sentiment Treebank with its phrases, in two or five classes
#   nets.sh questions FOLDER   TREC.{train,test}.txt
#   nets.sh hotel|waimai FOLDER   ChnSentiCorp_htl_all.csv, waimai_10k.csv, by character; every tenth
#                              row is the test part, the one behind it validation
# nets.sh TASK FOLDER [OUT [NET...]], NET being rnn, gru, lstm, bilstm, conv-rnn, ...
# TRAIN in the environment holds more options of train.
set -eu
usage='usage: nets.sh sst2|sst5|questions|hotel|waimai FOLDER [OUT [NET...]]'
task=${1:?$usage} data=${2:?$usage} out=${3:-run} here=$(dirname "$0")
shift 2; [ $# -eq 0 ] || shift
mkdir -p "$out"
tenths() { # FILE: its three parts, each with the header
  sed '1s/^\xef\xbb\xbf//' "$1" | awk -v out="$out" '
    NR == 1 { print > (out "/train.csv"); print > (out "/valid.csv"); print > (out "/test.csv"); next }
    { k = (NR - 2) % 10; print > (out "/" (k == 0 ? "test" : k == 1 ? "valid" : "train") ".csv") }'
}
rate=2e-3 spread=0.3 table='--columns mood=label,words=review --unit chars --min-count 2' epochs=5
case $task in
  sst2) python3 "$here/../../bench/sst_phrases.py" "$data" "$out"
        rate=1e-3 spread=0.1 epochs=3
        set -- "$@" -- train.tsv dev.tsv test.tsv ;;
  sst5) python3 "$here/../../bench/sst_phrases.py" "$data" "$out" fine
        rate=1e-3 spread=0.1 epochs=3
        set -- "$@" -- train.tsv dev.tsv test.tsv ;;
  questions) for part in train test; do
          LC_ALL=C sed 's/:[^ ]*//' "$data/TREC.$part.txt" | iconv -f latin1 -t utf-8 | sed 's/ /\t/; 1i mood\twords' > "$out/$part.tsv"
        done
        epochs=12
        set -- "$@" -- train.tsv '' test.tsv --lower --min-count 2 --batch 50 ;;
  # shellcheck disable=SC2086 # options are words of their own
  hotel)  tenths "$data/ChnSentiCorp_htl_all.csv"
        set -- "$@" -- train.csv valid.csv test.csv $table --max-length 250 ;;
  waimai) tenths "$data/waimai_10k.csv"
        set -- "$@" -- train.csv valid.csv test.csv $table --max-length 100 ;;
  *)    echo "$usage" >&2; exit 2 ;;
esac
nets=
while [ "$1" != -- ]; do nets="$nets $1"; shift; done
train=$2 valid=$3 test=$4
shift 4
case " ${TRAIN:-} " in *" --epochs "*|*" --steps "*) ;; *) set -- "$@" --epochs $epochs ;; esac
for net in ${nets:-rnn gru lstm bilstm conv-rnn conv-gru conv-lstm conv-bilstm}; do
  cell=${net#conv-} size=H windows= read=E
  [ "$cell" = "$net" ] || { windows='windows[E, F] >> '; read=F; }
  case $cell in
    rnn)    layer="forward[rnn_tanh[$read, H]]" ;;
    bilstm) layer="bidirectional[lstm[$read, H]]" size="2*H" ;;
    *)      layer="forward[$cell[$read, H]]" ;;
  esac
  sed "s/use enc  = .*/use enc  = $windows$layer/; s/dense\[2\*H/dense[$size/; s/lr = 1e-3/lr = $rate/; s/0, 0.1/0, $spread/" "$here/nets.rnn" > "$out/$net.rnn"
  rm -rf "$out/$net"
  # shellcheck disable=SC2086 # options are words of their own
  rnnc train "$out/$net.rnn" --data "$out/$train" ${valid:+--valid "$out/$valid"} --seed 1 --out "$out/$net" --quiet \
    "$@" ${TRAIN:-} > /dev/null
  printf '%s, %s: ' "$task" "$net"
  rnnc eval "$out/$net" --data "$out/$test" | head -n 1
done
