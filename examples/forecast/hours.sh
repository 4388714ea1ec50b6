#!/bin/sh
# Forecasts the next 24 hours of the seven columns of ETTh1.csv in FOLDER from the 96 before, and
# prints the mean square error on standardised values of the last 4 of its first 20 months, as is
# the custom: hours.sh FOLDER [OUT [options of train]]
set -eu
data=${1:?usage: hours.sh FOLDER [OUT [options of train]]} out=${2:-run} here=$(dirname "$0")
shift; [ $# -eq 0 ] || shift
mkdir -p "$out"
# Mean and deviation are those of the first 8,640 rows, a year of 30-day months.
awk -F , -v OFS=, 'NR == FNR { if (FNR > 1 && FNR <= 8641) for (i = 2; i <= NF; ++i) { s[i] += $i; q[i] += $i * $i }; next }
     FNR > 14401 { exit }
     FNR > 1 { for (i = 2; i <= NF; ++i) { m = s[i] / 8640; $i = sprintf("%.6f", ($i - m) / sqrt(q[i] / 8640 - m * m)) } }
     { print }' "$data/ETTh1.csv" "$data/ETTh1.csv" > "$out/etth1.csv"
rnnc train "$here/day.rnn" --data "$out/etth1.csv" --columns x=1-7,clock=date:day,y=1-7 --window 96 --horizon 24 --scale none \
  --split 60/20/20 --seed 1 --out "$out/etth1" --quiet "$@" > /dev/null
rnnc eval "$out/etth1" --data "$out/etth1.csv" --part test
