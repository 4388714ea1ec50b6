#!/bin/sh
# agree.sh TEMP LIBRARY MODEL.rnn FUNCTION TOLERANCE OPTION...: a function of the
# library made of the model in f64, and the interpreter, give the same from first
# values of the same seed.
set -e
here=$(dirname "$0")
temp=$1
library=$2
model=$3
function=$4
tolerance=$5
shift 5
rnnc run "$library" "$function" --seed 5 "$@" --out "$temp.a.npz" > /dev/null
rnnc run "$model" "$function" --reference --seed 5 "$@" --out "$temp.b.npz"
python3 "$here/same.py" "$temp.a.npz" "$temp.b.npz" "$tolerance"
