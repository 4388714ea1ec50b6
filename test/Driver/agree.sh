#!/bin/sh
# agree.sh TEMP MODEL.rnn FUNCTION TOLERANCE OPTION...: the compiled function in
# f64 and the interpreter give the same, from first values of the same seed.
set -e
here=$(dirname "$0")
temp=$1
model=$2
function=$3
tolerance=$4
shift 4
rnnc run "$model" "$function" --precision f64 --seed 5 "$@" --out "$temp.a.npz" > /dev/null
rnnc run "$model" "$function" --reference --seed 5 "$@" --out "$temp.b.npz"
python3 "$here/same.py" "$temp.a.npz" "$temp.b.npz" "$tolerance"
