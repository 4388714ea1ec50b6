#!/usr/bin/env bash
# What code for GPUs computes and how long it takes, on a machine with an NVIDIA GPU.
#   bench/gpu.sh OUT                 compiles the programs, then measures
#   bench/gpu.sh --prepare FOLDER    compiles the programs into FOLDER, with all that is needed
#   bench/gpu.sh --measure FOLDER OUT   measures those, in 8 minutes at most; needs Python with
#                                    numpy, no compiler
# RNNC names the compiler. PyTorch and compute-sanitizer are used where they are. OUT gets
# gpu.md and gpu.json. --small before the rest: tiny sizes, for a look at the script itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
small=()
if [ "${1-}" = --small ]; then small=(--small); shift; fi
case "${1-}" in
--prepare) exec "$python" "$here/gpu.py" "${small[@]}" prepare "$2" ;;
--measure) exec "$python" "$2/gpu.py" "${small[@]}" measure "$2" "$3" ;;
"" | -*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0"; exit 2 ;;
esac
"$python" "$here/gpu.py" look
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
"$python" "$here/gpu.py" "${small[@]}" prepare "$programs"
"$python" "$programs/gpu.py" "${small[@]}" measure "$programs" "$1"
