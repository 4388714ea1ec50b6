#!/usr/bin/env bash
# Configures and builds everything into build/ (or, with `sanitize`, the tools
# with AddressSanitizer and UndefinedBehaviorSanitizer, and ready for fuzzing,
# into build-sanitize/).
set -euo pipefail
cd "$(dirname "$0")"
preset=${1:-release}
shift || true
dir=build
[ "$preset" = release ] || dir=build-$preset

# Paths and time stamps of the checkout must not decide whether ccache hits.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

start=$SECONDS
echo "configuring ($preset)"
cmake --preset "$preset" >"/tmp/rnnc-configure-$preset.log" 2>&1 || {
  cat "/tmp/rnnc-configure-$preset.log"
  exit 1
}
echo "building; the first time takes some minutes"
ninja -C "$dir" "$@"
echo "built in $((SECONDS - start)) s"
