#!/bin/sh
# Compares the gradients of every model of the examples: examples.sh EXAMPLES. Large ones are
# made small: the equations are the same.
for model in $(grep -l "^model" "$1"/*/*.rnn); do
  case $model in
    */emoji/*)       small="-D R=1 -D H=8" ;;
    */translation/*) small="-D E=4 -D G=4 -D H=8" ;;
    *)               small= ;;
  esac
  # shellcheck disable=SC2086 # options are words of their own
  rnnc gradcheck -O1 "$model" $small || exit 1
done
