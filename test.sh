#!/usr/bin/env bash
# Builds rnnc and runs all its tests on a bare Debian 12.
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

echo "all tests passed in $((SECONDS - start)) s"
