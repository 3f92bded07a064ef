#!/bin/sh
# Compares the speed of layers with that of another commit. Builds moe_bench of both with the flags of the release
# preset and runs them alternately, so that a drift of the machine's speed affects both. Prints the ratio after/before
# of each pass with its 95 % confidence interval over the pairs of rounds. Exits with 1 if an interval lies entirely
# above 1.02.
#
#   sh bench/compare_commits.sh BEFORE [ROUNDS [ARGUMENT...]]
#
# BEFORE is a commit, or a moe_bench that was built from one. The environment variable AFTER=FILE names the other
# moe_bench; without it the working tree is built. ROUNDS is at least 3 [7]. The arguments are passed to
# `moe_bench layers` [--shape mid --filter 'layer/*_moe/*']. With MOE_NATIVE=ON both are compiled for this CPU, which
# commits before run-time dispatch need to be fast. The machine must be idle otherwise.
set -eu

[ $# -ge 1 ] || { echo "usage: sh bench/compare_commits.sh BEFORE [ROUNDS [ARGUMENT...]]" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
before=$1
shift
rounds=${1:-7}
[ $# -eq 0 ] || shift
[ "$rounds" -ge 3 ] 2>/dev/null || { echo "ROUNDS must be a number of at least 3, found $rounds" >&2; exit 2; }
[ $# -gt 0 ] || set -- --shape mid --filter 'layer/*_moe/*'
work=$root/build/compare
mkdir -p "$work"

# $1 = a folder of sources, $2 = the folder in which only moe_bench is built
build() {
  cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DMOE_NATIVE="${MOE_NATIVE:-OFF}" \
    -DMOE_BUILD_EXAMPLES=OFF -DMOE_BUILD_TESTS=OFF -DMOE_CUDA=OFF >&2
  cmake --build "$2" --target moe_bench >&2
}

if [ -x "$before" ] && [ -f "$before" ]; then
  before_bench=$(realpath "$before")
else
  commit=$(git -C "$root" rev-parse --verify --quiet "$before^{commit}") ||
    { echo "BEFORE must be a commit or a program, found neither: $before" >&2; exit 2; }
  mkdir -p "$work/$commit"
  git -C "$root" archive "$commit" | tar -x -C "$work/$commit"
  build "$work/$commit" "$work/$commit/build/release"
  before_bench=$work/$commit/build/release/bin/moe_bench
fi
if [ -n "${AFTER:-}" ]; then
  after_bench=$(realpath "$AFTER")
else
  build "$root" "$work/after"
  after_bench=$work/after/bin/moe_bench
fi

# $1 = before or after, $2 = a moe_bench, the rest are its arguments: appends a line for each pass with $1, the pass and
# its milliseconds
measure() {
  name=$1 program=$2
  shift 2
  "$program" layers --format csv --repetitions 1 "$@" 2>/dev/null |
    awk -F, -v who="$name" 'NR > 1 && $6 == "whole" { print who, $1, $13 }' >>"$work/times.txt"
}

: >"$work/times.txt"
round=0
while [ "$round" -lt "$rounds" ]; do
  round=$((round + 1))
  echo "round $round of $rounds" >&2
  # The order alternates between rounds.
  if [ $((round % 2)) = 1 ]; then
    measure before "$before_bench" "$@"
    measure after "$after_bench" "$@"
  else
    measure after "$after_bench" "$@"
    measure before "$before_bench" "$@"
  fi
done

awk -v rounds="$rounds" '
  # The 97.5 % point of Student'"'"'s t distribution (Hill 1970, the first terms), exact for 2 degrees of freedom.
  function t_975(n,    z, q) {
    if (n == 2) return 4.302653
    z = 1.959964
    q = z + (z^3 + z) / (4 * n)
    q += (5 * z^5 + 16 * z^3 + 3 * z) / (96 * n^2)
    return q + (3 * z^7 + 19 * z^5 + 17 * z^3 - 15 * z) / (384 * n^3)
  }
  function median(list, n,    i, j, x) {
    for (i = 2; i <= n; ++i) {
      x = list[i]
      for (j = i - 1; j >= 1 && list[j] > x; --j) list[j + 1] = list[j]
      list[j + 1] = x
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
  }
  {
    if (!($2 in seen)) { seen[$2] = 1; names[++count] = $2 }
    time[$1, $2, ++met[$1, $2]] = $3
  }
  END {
    print "| pass | before, ms | after, ms | after / before | 95 % interval |"
    print "|---|---|---|---|---|"
    for (k = 1; k <= count; ++k) {
      name = names[k]
      if (met["before", name] != rounds || met["after", name] != rounds) { only[++alone] = name; continue }
      ++compared
      sum = squares = 0
      for (i = 1; i <= rounds; ++i) {
        b[i] = time["before", name, i]; a[i] = time["after", name, i]
        r[i] = log(a[i] / b[i]); sum += r[i]
      }
      mean = sum / rounds
      for (i = 1; i <= rounds; ++i) squares += (r[i] - mean)^2
      reach = t_975(rounds - 1) * sqrt(squares / (rounds - 1) / rounds)
      low = exp(mean - reach); high = exp(mean + reach)
      printf "| %s | %.3f | %.3f | %.3f | %.3f to %.3f |\n", name, median(b, rounds), median(a, rounds), exp(mean), low, high
      if (low > 1.02) slower[++slow] = name
    }
    for (k = 1; k <= alone; ++k) print "in only one of the two: " only[k]
    if (compared == 0) { print "nothing was compared"; exit 1 }
    for (k = 1; k <= slow; ++k) print "slower: " slower[k]
    exit (slow > 0)
  }' "$work/times.txt"
