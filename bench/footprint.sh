#!/usr/bin/env bash
# Memory, stack and the time of one step of LSTMs as a C program sees them.
#   bench/footprint.sh [UNITS...]        default: 1 16 64 256
# What a call costs whatever it computes is the time of a cell that adds one
# number; an LSTM of one unit evaluates five functions besides. CC and RNNC name the compilers; MARCH the code.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rnnc=${RNNC:-$here/../build/bin/rnnc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for n in "${@:-1 16 64 256}"; do echo "$n"; done | tr ' ' '\n' >"$work/sizes"
while read -r n; do
  cat >"$work/cell.rnn" <<END
import std
cell sum[I](x: [I]) -> [I] {
  state s : [I] = 0
  s' = s + x
  out s'
}
export sum[1].step
export lstm[$n, $n].step, lstm[$n, $n].forward, lstm[$n, $n].vjp
END
  cat >"$work/live.rnn" <<END
import std
dim N = $n
model Live {
  time T
  input x : [T, N]
  output y : [T]
  use rnn = lstm[N, N]
  use head = dense[N, 1]
  h = scan rnn over x
  y ~ normal(for t in T: sum i in 1: head(h[t])[i], 1)
}
END
  for name in cell live; do
    "$rnnc" "$work/$name.rnn" ${MARCH:+-march="$MARCH"} -o "$work/lib$name.so"
  done
  # The headers of two libraries share the types of the interface.
  ${CC:-cc} -std=c11 -O2 -Wall -Wextra -DN="$n" -I"$work" "$here/footprint.c" -L"$work" -lcell -llive \
    -lpthread -Wl,-rpath,"$work" -o "$work/footprint"
  "$work/footprint"
done <"$work/sizes"
