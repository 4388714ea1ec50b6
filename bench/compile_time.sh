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
printf '%-28s %8s %8s %9s\n' example clock cpu bytes
for model in "$root"/examples/*/*.rnn; do
  name=$(basename "$(dirname "$model")")/$(basename "$model" .rnn)
  # Sizes that data would give: those of vocabularies, unless it is a class.
  sizes=""
  # shellcheck disable=SC2086
  while missing=$("$rnnc" "$model" $sizes --emit=rnn 2>&1 >/dev/null |
    sed -n 's/^error\[E403\]: `\(.*\)` has no value$/\1/p' | head -1) &&
    [ -n "$missing" ]; do
    case $missing in
    V | W) sizes="$sizes -D $missing=10000" ;;
    *) sizes="$sizes -D $missing=40" ;;
    esac
  done
  # A file of parts for others makes no library.
  grep -q '^model ' "$model" || continue
  # shellcheck disable=SC2086
  times=$( { bash -c 'TIMEFORMAT="%R %U %S"; time "$@"' _ \
    "$rnnc" -O3 "$model" $sizes -o "$out/library.so"; } 2>&1 | tail -1)
  # shellcheck disable=SC2086
  set -- $times
  printf '%-28s %7.2fs %7.2fs %9d\n' "$name" "$1" \
    "$(awk "BEGIN { print $2 + $3 }")" "$(stat -c %s "$out/library.so")"
  rm -f "$out"/library*
done
