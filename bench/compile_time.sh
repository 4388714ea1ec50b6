#!/bin/sh
# Compiles every example to a library for all machines at -O3: time on the
# clock and on the processor, and the size of the library.
#
#     bench/compile_time.sh [RNNC]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
rnnc=${1:-$root/build/bin/rnnc}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
printf '%-20s %8s %8s %9s\n' example clock cpu bytes
for model in "$root"/examples/*/*.rnn; do
  name=$(basename "$model" .rnn)
  case $name in # sizes that data would give
  charlm) sizes="-D V=65" ;;
  wordlm) sizes="-D V=10000" ;;
  fluency) sizes="-D V=3000" ;;
  reviews) sizes="-D V=3000 -D C=2" ;;
  bi*) sizes="-D V=10000 -D C=2" ;;
  pos) sizes="-D V=10000 -D C=4" ;;
  *) sizes="" ;;
  esac
  # shellcheck disable=SC2086
  times=$( { bash -c 'TIMEFORMAT="%R %U %S"; time "$@"' _ \
    "$rnnc" -O3 "$model" $sizes -o "$out/lib$name.so"; } 2>&1 | tail -1)
  # shellcheck disable=SC2086
  set -- $times
  printf '%-20s %7.2fs %7.2fs %9d\n' "$name" "$1" \
    "$(awk "BEGIN { print $2 + $3 }")" "$(stat -c %s "$out/lib$name.so")"
done
