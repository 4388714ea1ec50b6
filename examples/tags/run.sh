#!/bin/sh
# Trains one of four taggers and prints its figures on the test part:
#   run.sh english FOLDER   parts of speech, UD English EWT: en_ewt-{train,dev,test}.tsv
#   run.sh chinese FOLDER   parts of speech, UD Chinese GSD: zh_gsd-{train,dev,test}.tsv
#   run.sh wnut    FOLDER   names in posts, WNUT 2017: {train,dev,test}.conll
#   run.sh weibo   FOLDER   names in posts, Weibo: weiboNER_2nd_conll.{train,dev,test}
# run.sh WHAT FOLDER [OUT [options of train]]
set -eu
what=${1:?usage: run.sh english|chinese|wnut|weibo FOLDER [OUT [options of train]]}
data=${2:?usage: run.sh $what FOLDER [OUT [options of train]]} out=${3:-run} here=$(dirname "$0")
shift 2; [ $# -eq 0 ] || shift
mkdir -p "$out"

# Two columns with a tab between: a token and its label; an empty line behind each sentence.
columns() { awk -F '\t' -v digit="$1" '{ sub(/\r$/, "") } NF < 2 || $1 == "" { print ""; next }
    { gsub(/ /, "_", $1); if (digit && length($1) > 1) $1 = substr($1, 1, length($1) - 1); print $1 "\t" $2 }'; }

model=words fields=word=0,chars=0,tags=1 digit=0 options= change= epochs=15
case $what in
  english) files=en_ewt-%s.tsv options="--min-count 2 --lower --batch 32" epochs=6 ;;
  chinese) files=zh_gsd-%s.tsv options="--min-count 2 -D L=4" epochs=8 ;;
  wnut)    files=%s.conll options="--lower -D H=100" epochs=10
           # Few names, and new ones in the test part: words go more often, the rate stays higher.
           change='s/0.1, tied/0.2, tied/; s/schedule .*/schedule step(every = 1, by = 0.94)/' ;;
  weibo)   files=weiboNER_2nd_conll.%s model=characters fields=char=0,pair=0:pair,tags=1 digit=1 ;; # those seen once are of names: all are kept
  *)       echo "run.sh: no such task: $what" >&2; exit 2 ;;
esac
case " $* " in *" --epochs "*|*" --steps "*) ;; *) set -- --epochs $epochs "$@" ;; esac
for part in train dev test; do
  columns $digit < "$data/$(printf "$files" $part)" > "$out/$part.conll"
done
sed "$change" "$here/$model.rnn" > "$out/$model.rnn"
rnnc train "$out/$model.rnn" --data "$out/train.conll" --valid "$out/dev.conll" --columns $fields \
  --seed 1 $options --out "$out/model" "$@"
rnnc eval "$out/model" --data "$out/test.conll"
