#!/bin/sh
# Checks that two commits compute bitwise identical results on the CPU: outputs, losses, gradients, buffers and decoding
# of every composition of the tests, in float and double. No result is stored: each commit is built with its own list, the
# same compiler and the same flags.
#
#   sh tests/same_bits/compare.sh BEFORE [AFTER]      two commits; AFTER is the working tree if it is left out
#   CXX=clang++ CXXFLAGS="-O3 -march=native" ALLOW="hybrid decode" sh tests/same_bits/compare.sh ...
#
# ALLOW is an extended regular expression of the lines that may differ. The exit status is 1 if other lines differ.
set -eu

[ $# -ge 1 ] || { echo "usage: sh tests/same_bits/compare.sh BEFORE [AFTER]" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
eigen=${EIGEN_DIR:-/usr/include/eigen3}

# $1 = a name, $2 = a folder with include/ and tests/
build() {
  # shellcheck disable=SC2086 # flags are a list of words
  ${CXX:-c++} -std=c++20 ${CXXFLAGS:--O2} -DEIGEN_MPL2_ONLY -I"$2/include" -I"$2/tests" -isystem "$eigen" \
    "$2/tests/same_bits/bits.cpp" -o "$work/$1" -pthread
  "$work/$1" >"$work/$1.txt"
}
unpack() {
  mkdir -p "$work/tree_$1"
  git -C "$root" archive "$2" include tests/support tests/same_bits | tar -x -C "$work/tree_$1"
}

unpack before "$1"
build before "$work/tree_before"
if [ $# -ge 2 ]; then
  unpack after "$2"
  build after "$work/tree_after"
else
  build after "$root"
fi

compared=$(wc -l <"$work/before.txt")
[ "$compared" -gt 0 ] || { echo "nothing was compared" >&2; exit 1; }
diff "$work/before.txt" "$work/after.txt" | sed -n 's/^> //p' | sed 's/ [0-9a-f]*$//' >"$work/changed.txt" || true
[ "$(wc -l <"$work/after.txt")" = "$compared" ] || { echo "the two commits have different compositions" >&2; exit 1; }
if [ -n "${ALLOW:-}" ]; then
  grep -vE "$ALLOW" "$work/changed.txt" >"$work/wrong.txt" || true
  allowed=$(grep -cE "$ALLOW" "$work/changed.txt" || true)
else
  cp "$work/changed.txt" "$work/wrong.txt"
  allowed=0
fi
wrong=$(wc -l <"$work/wrong.txt")
echo "$compared results compared, $wrong differ, $allowed more differ and may"
[ "$wrong" = 0 ] || { cat "$work/wrong.txt"; exit 1; }
