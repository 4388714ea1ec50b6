#!/usr/bin/env bash
# Installs the Debian packages that rnnc is built, tested and shown with. May
# be run again: what is there is left alone. Needs root only if something is
# missing. libc6-dev-arm64-cross is for `--target=aarch64-linux-gnu`. `./setup.sh
# demo` adds the packages whose texts the demo trains on, `./setup.sh test` those
# of the tests, among them what makes and runs programs for AArch64.
set -euo pipefail

packages=(
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22
  cmake ninja-build ccache git python3
  libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev libpng-dev libsentencepiece-dev libgtest-dev
  libc6-dev-arm64-cross
)
[ "${1:-}" = demo ] && packages+=(bible-kjv bible-kjv-text)
[ "${1:-}" = test ] && packages+=(g++ clang-format-22 clang-tidy-22 python3-numpy wordnet-base libclang-rt-22-dev
  qemu-user gcc-aarch64-linux-gnu libc6-arm64-cross)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  echo "run this as root, or install the packages above yourself" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
