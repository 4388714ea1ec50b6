#!/bin/sh
# update.sh DIR SETTINGS TOKEN...: the updates of Inputs/update.c under these
# lines of `train`; a second line follows a semicolon. PRECISION=f64 if set.
set -e
here=$(dirname "$0")/Inputs
dir=$1
settings=$2
shift 2
rm -rf "$dir"
mkdir -p "$dir"
sed "s/@SETTINGS@/$(echo "$settings" | sed 's/; */\\n  /g')/" "$here/update.rnn.in" > "$dir/m.rnn"
rnnc "$dir/m.rnn" -o "$dir/libm.so" -march=x86-64-v2 --precision "${PRECISION:-f32}"
real=float
[ "$PRECISION" != f64 ] || real=double
${CC:-cc} -std=c11 -DREAL=$real -I "$dir" "$here/update.c" -o "$dir/update" "$dir/libm.so" -Wl,-rpath,"$dir"
"$dir/update" "$@"
