#!/usr/bin/env bash
# Builds rnnc and runs all its tests on a bare Debian 12; then builds what reads
# users' files with sanitizers, runs its tests again, and its fuzzers.
#   ./test.sh               everything
#   ./test.sh --build-only  stops after the build; the tools are in build/bin
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh test
./build.sh release
[ "${1:-}" = --build-only ] && exit 0

start=$SECONDS
echo "== tests (GoogleTest, lit, end to end) =="
/usr/lib/llvm-22/bin/lit -sv build/test

# The parts that read what users write, once more with AddressSanitizer and
# UndefinedBehaviorSanitizer: frontend, diagnostics, data, checkpoints.
./build.sh sanitize rnnc-sanitized-tests rnnc-fuzzers
echo "== tests of what reads input, under the sanitizers =="
reader=build-sanitize/reader
/usr/lib/llvm-22/bin/lit -sv $reader/Frontend $reader/Data \
  $reader/Driver/{inspect,progress,resume,train}.test \
  build-sanitize/test/unit

# Inputs that nobody thought of, other ones in every run.
echo "== fuzzers of what reads input =="
python3 test/Fuzz/run.py build-sanitize 60

echo "all tests passed in $((SECONDS - start)) s"
