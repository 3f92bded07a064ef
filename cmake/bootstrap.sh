#!/bin/sh
# Setup commands, for a fresh Debian or Ubuntu with a shell and root or sudo:
#
#   sh cmake/bootstrap.sh test               installs missing packages, builds everything, runs all tests
#   sh cmake/bootstrap.sh test --with arm    also installs a cross compiler for AArch64 and an emulator, and runs the
#                                            tests that need them; without them these tests are left out
#   sh cmake/bootstrap.sh test --with compilers
#                                            also installs a sandbox and the compilers of the six languages, and runs
#                                            the tests that execute generated programs
#   sh cmake/bootstrap.sh test --with mpi    also installs Open MPI, and runs the tests of several processes
#   sh cmake/bootstrap.sh test --with browser
#                                            also installs Chromium, and runs the tests of HTML pages in it; all four:
#                                            --with arm,compilers,mpi,browser
#   sh cmake/bootstrap.sh sanitize           the same for the unit tests, under the address and undefined-behavior
#                                            sanitizers of clang++
#   sh cmake/bootstrap.sh threads            the same for the tests of multithreaded code, under the thread sanitizer of
#                                            clang++
#   sh cmake/bootstrap.sh gpu                on a machine with an NVIDIA GPU and the CUDA Toolkit: builds and runs the
#                                            GPU tests and the GPU benchmark of docs/results/gpu.md; the table is also
#                                            written to build/gpu/layers.md
#   sh cmake/bootstrap.sh gpu-program [ARGUMENT...]
#                                            on the same machine: builds and runs the check of the program multipl_moe
#                                            on the GPU, whose pages and summary.md are in build/gpu-program; arguments
#                                            such as --only full go to the check
#   sh cmake/bootstrap.sh gpu-program --pack on a machine with the CUDA Toolkit, with or without a GPU: builds
#                                            build/gpu-pack, a folder that runs the same check on a machine with a GPU
#                                            and without network or packages: build/gpu-pack/run --out DIR
#   sh cmake/bootstrap.sh demo [ARGUMENT...] installs missing packages, builds the program multipl_moe, downloads real
#                                            code in six languages and runs the demo on it
#   sh cmake/bootstrap.sh demo --corpus DIR  the same on your own source files (or MOE_CORPUS=DIR), without a download
#   sh cmake/bootstrap.sh reproduce [ARGUMENT...]
#                                            installs missing packages, a sandbox and the compilers of the six languages,
#                                            builds the program and runs its command reproduce, such as with --scale
#                                            smoke -o DIR or --plan
#
# Data goes to stdout, progress to stderr. Downloaded code is unpacked under build/corpus, never installed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
corpus=$root/build/corpus
unfinished=$root/build/corpus-unfinished

say() { echo "bootstrap: $*" >&2; }
die() { say "$*"; exit 1; }

begin() {
  stage=$1
  stage_start=$(date +%s)
  say "$stage ..."
}
finish() { say "$stage: $(($(date +%s) - stage_start)) s"; }

# ---- packages ------------------------------------------------------------------------------------

have_command() { command -v "$1" >/dev/null 2>&1; }
have_package() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A sandbox and the compilers of the six languages, for the command evaluate.
compilers="bubblewrap python3 openjdk-17-jdk-headless libjavatuples-java g++ rustc libstd-rust-dev golang-go ruby"

# In the order in which the tests look. Debian has the package chromium, Ubuntu only a snap.
find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

nvcc_command() { command -v nvcc || echo /usr/local/cuda/bin/nvcc; }
have_nvcc() { have_command nvcc || [ -x /usr/local/cuda/bin/nvcc ]; }
require_nvcc() {
  have_nvcc || die "nvcc was not found: install the CUDA Toolkit, 12.8 or newer, and add its bin folder to the PATH"
}

can_be_root() { [ "$(id -u)" = 0 ] || have_command sudo; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
# The output of apt-get is hundreds of lines, so it is shown only if apt-get fails. The lock timeout is long because new
# machines run an update right after their first start.
apt_get() {
  mkdir -p "$root/build"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
    >"$root/build/apt.log" 2>&1 || { cat "$root/build/apt.log" >&2; return 1; }
}

# Package lists are missing in container images and may be outdated elsewhere; they are fetched only when needed.
install_packages() {
  for package; do
    if ! apt-cache show "$package" >/dev/null 2>&1; then
      apt_get update || return 1
      break
    fi
  done
  apt_get install -y --no-install-recommends "$@" && return
  apt_get update && apt_get install -y --no-install-recommends "$@"
}

# $1 = test | sanitize | gpu | gpu-program | demo | demo-without-download | reproduce
require_packages() {
  needed="libeigen3-dev libfmt-dev nlohmann-json3-dev libcli11-dev libxxhash-dev libpcre2-dev libutf8proc-dev
  zlib1g-dev"
  case $1 in
    test) needed="$needed catch2 pkgconf libbenchmark-dev gnuplot-nox valgrind libdnnl-dev ocl-icd-opencl-dev" ;;
    sanitize) needed="$needed catch2 gnuplot-nox" ;;
    gpu) needed="$needed catch2" ;;
  esac
  case ,$with, in *,arm,*) needed="$needed g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" ;; esac
  case ,$with, in *,compilers,*) needed="$needed $compilers" ;; esac
  case ,$with, in *,mpi,*) needed="$needed libopenmpi-dev openmpi-bin" ;; esac
  case ,$with, in *,browser,*) find_browser >/dev/null || needed="$needed chromium fonts-dejavu-core" ;; esac
  # The tests of the GPU backend on an emulated device need only Thrust, which is also part of the CUDA Toolkit.
  case $1 in test | sanitize) have_nvcc || needed="$needed libthrust-dev" ;; esac

  missing=''
  have_command "${CXX:-c++}" || missing="$missing g++"
  # The sanitizer runtime of clang++ is a separate package, which --no-install-recommends does not install.
  if [ "$1" = sanitize ]; then
    have_command clang++ || missing="$missing clang"
    if have_command apt-get && ! apt-cache show clang >/dev/null 2>&1 && can_be_root; then apt_get update || true; fi
    runtime=$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p')
    [ -z "$runtime" ] || needed="$needed $runtime"
  fi
  have_command cmake || missing="$missing cmake"
  have_command ninja || missing="$missing ninja-build"
  if [ "$1" = demo ]; then have_command unzip || missing="$missing unzip"; fi
  if have_command dpkg-query && have_command apt-get; then
    for package in $needed; do
      have_package "$package" || missing="$missing $package"
    done
  else
    say "apt-get was not found; install the equivalents of these packages manually:$missing $needed"
    missing=''
  fi

  if [ -n "$missing" ]; then
    how="apt-get install -y --no-install-recommends$missing"
    can_be_root || die "missing packages:$missing
  This user is not root and sudo is not available. Ask an administrator to run:
    $how"
    begin "installing$missing"
    # shellcheck disable=SC2086 # a list of words
    install_packages $missing || die "could not install:$missing
  Run this as root, then try again:
    apt-get update && $how"
    finish
  fi

  have_command cmake || die "cmake is missing"
  cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25)) }' ||
    die "$(cmake --version | head -n 1) is too old: 3.25 or newer is required; Debian 12 and Ubuntu 24.04 have it"
}

# ---- source code corpus --------------------------------------------------------------------------

languages="python java cpp rust go ruby"

# The packages that contain each language's code. `meta` depends on the package of the version that this system has;
# `want` and `drop` select hand-written code (no tables, no parser tests, no generated files).
describe() {
  drop='^$'
  also=''
  case $1 in
    python) meta=libpython3-stdlib pattern='libpython3\.[0-9]*-stdlib' also=s/-stdlib/-minimal/
            want='\.py$' drop='/(pydoc_data|encodings)/' ;;
    java) meta=default-jdk pattern='openjdk-[0-9]*-jdk' want='/src\.zip$' ;;
    cpp) meta=libboost-dev pattern='libboost[0-9.]*-dev'
         want='/boost/(algorithm|asio|beast|container|date_time|filesystem|geometry|graph|hana|heap|icl|interprocess|intrusive|lockfree|log|multiprecision|polygon|program_options|property_tree|range|regex|serialization|signals2|spirit|thread|unordered|variant|xpressive)/.*\.hpp$' ;;
    rust) meta='' package=rust-src want='/(library|compiler)/.*\.rs$' drop='/(stdarch|vendor|portable-simd)/' ;;
    go) meta=golang-src pattern='golang-[0-9.]*-src' want='/src/.*\.go$' drop='/(cmd|vendor|testdata|syscall)/' ;;
    ruby) meta=libruby pattern='libruby[0-9.]*' want='\.rb$' drop='/unicode_normalize/' ;;
  esac
}

find_packages() {
  if [ -n "$meta" ]; then
    package=$(apt-cache depends "$meta" 2>/dev/null | sed -n "s/^ *Depends: \($pattern\)\$/\1/p" | sed -n 1p)
  fi
  [ "$1" = java ] && package=$(echo "$package" | sed 's/-jdk$/-source/')
  packages=$package
  [ -n "$also" ] && packages="$package $(echo "$package" | sed "$also")"
  [ -n "$package" ]
}

# The sandbox user is set because apt warns otherwise that its own user cannot write to this folder.
download() { (cd "$unfinished/debs" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2); }

unpack() {
  for deb in "$unfinished"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" >"$unfinished/package.tar"
    tar -tf "$unfinished/package.tar" | grep -E "$want" | grep -vE "$drop" >"$unfinished/list" ||
      die "$(basename "$deb") contains no $1 files that match $want"
    tar -xf "$unfinished/package.tar" -C "$unfinished/$1" -T "$unfinished/list"
  done
  if [ "$1" = java ]; then
    archive=$(find "$unfinished/java" -name src.zip)
    unzip -q "$archive" 'java.base/java/*' -d "$unfinished/java"
    rm "$archive"
  fi
}

# A language is complete if its folder is in build/corpus. A rename moves it there as a whole, so a killed run leaves no
# folder that looks complete.
fetch_language() {
  [ -d "$corpus/$1" ] && return
  begin "downloading $1"
  rm -rf "$unfinished"
  mkdir -p "$corpus" "$unfinished/debs" "$unfinished/$1"
  describe "$1"
  # shellcheck disable=SC2086 # a list of words
  if ! { find_packages "$1" && download $packages; }; then
    if can_be_root; then apt_get update || true; fi
    { find_packages "$1" && download $packages; } || die "could not download ${packages:-$meta} ($1).
  With network access and package lists updated by apt-get update, run the same command again: it continues
  with $1. Without network access, pass your own source files:
    sh cmake/bootstrap.sh demo --corpus DIR"
  fi
  unpack "$1"
  mv "$unfinished/$1" "$corpus/$1"
  rm -rf "$unfinished"
  stage="downloading $1 ($packages)"
  finish
}

fetch_corpus() {
  have_command apt-get || die "the download requires apt-get; without it, pass your own source files to the demo:
    sh cmake/bootstrap.sh demo --corpus DIR"
  for language in $languages; do fetch_language "$language"; done
}

# ---- the commands --------------------------------------------------------------------------------

# $1 = a preset, the other arguments are passed to the build
build() {
  preset=$1
  shift
  begin configuring
  (cd "$root" && cmake --preset "$preset") >&2
  finish
  begin building
  (cd "$root" && cmake --build --preset "$preset" "$@") >&2
  finish
}

# $1 = a preset, the other arguments are passed to ctest
run_tests() {
  preset=$1
  shift
  begin testing
  result=0
  (cd "$root" && ctest --preset "$preset" --parallel "$(nproc)" "$@") || result=$?
  finish
  return $result
}

test_command() {
  if [ "${1:-}" = --with ] && [ $# -eq 2 ]; then
    with=$2
    for part in $(echo "$with" | tr , ' '); do
      case $part in
        arm | compilers | mpi | browser) ;;
        *) die "--with must be arm, compilers, mpi, browser or several with commas, got $part" ;;
      esac
    done
  elif [ $# -gt 0 ]; then
    die "usage: sh cmake/bootstrap.sh test [--with arm,compilers,mpi,browser]"
  fi
  require_packages test
  build release
  if ! have_command mpicxx; then
    say "tests of several processes are left out, since MPI is missing (--with mpi)"
  elif (cd "$root" && ctest --preset release -N -L '^mpi$') | grep -q '^Total Tests: 0$'; then
    die "MPI is installed ($(command -v mpicxx)), but CMake did not find it: no test of several processes was built"
  fi
  absent=''
  for package in $compilers; do have_package "$package" || absent="$absent $package"; done
  left_out=''
  if [ -n "$absent" ]; then
    say "tests that execute generated programs are left out, since packages are missing:$absent (--with compilers)"
    left_out='^compilers$'
  fi
  if ! find_browser >/dev/null; then
    say "tests of HTML pages are left out, since Chromium is missing (--with browser)"
    left_out="${left_out:+$left_out|}^browser\$"
  fi
  if [ -n "$left_out" ]; then run_tests release -LE "$left_out"; else run_tests release; fi
}

sanitize_command() {
  [ $# -eq 0 ] || die "sanitize takes no arguments"
  require_packages sanitize
  build asan --target moe_tests optimized_tests accelerator_tests moe_allocation_tests safetensors_tests program_tests
  run_tests asan -L unit
}

threads_command() {
  [ $# -eq 0 ] || die "threads takes no arguments"
  require_packages sanitize
  build tsan --target thread_tests
  run_tests tsan -L threads
}

gpu_command() {
  [ $# -eq 0 ] || die "gpu takes no arguments"
  require_nvcc
  require_packages gpu
  build gpu --target gpu_tests 05_same_on_gpu moe_layer_bench_gpu
  begin testing
  (cd "$root" && ctest --preset gpu)
  finish
  begin measuring
  "$root/build/gpu/bin/moe_layer_bench_gpu" >"$root/build/gpu/layers.md"
  finish
  cat "$root/build/gpu/layers.md"
}

pack_gpu_program() {
  pack=$root/build/gpu-pack
  build gpu-pack --target multipl_moe_gpu_check
  rm -rf "$pack"
  mkdir -p "$pack"
  strip -o "$pack/multipl_moe_gpu_check" "$root/build/gpu-pack-build/bin/multipl_moe_gpu_check"
  cp "$root/bench/gpu_program/run.sh" "$pack/run"
  chmod +x "$pack/run"
  echo '#include <cublas_v2.h>
cublas_major CUBLAS_VER_MAJOR' >"$root/build/cublas_major.cu"
  major=$("$(nvcc_command)" -E "$root/build/cublas_major.cu" | sed -n 's/^cublas_major //p')
  [ -n "$major" ] || die "the version of cuBLAS was not found: $(nvcc_command) cannot preprocess cublas_v2.h"
  echo "libcublas.so.$major" >"$pack/cublas"
  say "$pack, $(du -sh "$pack" | cut -f1): copy it to a machine with a GPU and call run --out DIR there"
  say "libraries that it takes from that machine:$(ldd "$pack/multipl_moe_gpu_check" | awk '{printf " %s", $1}'), and libcublas.so.$major; it must have this machine's processor architecture and a glibc at least as new: $(ldd --version | sed -n '1s/.* //p')"
}

gpu_program_command() {
  require_nvcc
  require_packages gpu-program
  if [ "${1:-}" = --pack ]; then
    [ $# -eq 1 ] || die "gpu-program --pack takes no other arguments"
    pack_gpu_program
    return
  fi
  build gpu --target multipl_moe_gpu_check
  result=0
  MOE_GPU_CHECK=$root/build/gpu/bin/multipl_moe_gpu_check sh "$root/bench/gpu_program/run.sh" --out "$root/build/gpu-program" "$@" >&2 || result=$?
  [ ! -f "$root/build/gpu-program/summary.md" ] || cat "$root/build/gpu-program/summary.md"
  return $result
}

demo_command() {
  download=yes
  [ -z "${MOE_CORPUS:-}" ] || download=no
  for argument; do
    case $argument in --corpus | --corpus=* | --help | -h) download=no ;; esac
  done
  started=$(date +%s)
  if [ $download = yes ]; then require_packages demo; else require_packages demo-without-download; fi
  build release --target multipl_moe
  if [ $download = yes ]; then
    fetch_corpus
    set -- --corpus "$corpus" "$@"
  fi
  say "setup finished after $(($(date +%s) - started)) s"
  exec "$root/build/release/bin/multipl_moe" demo "$@"
}

reproduce_command() {
  # These execute nothing.
  with=compilers
  for argument; do
    case $argument in --plan | --report | --help | -h) with='' ;; esac
  done
  require_packages reproduce
  build release --target multipl_moe
  exec "$root/build/release/bin/multipl_moe" reproduce "$@"
}

with=''
command=${1:-}
[ $# -gt 0 ] && shift
case $command in
  test) test_command "$@" ;;
  sanitize) sanitize_command "$@" ;;
  threads) threads_command "$@" ;;
  gpu) gpu_command "$@" ;;
  gpu-program) gpu_program_command "$@" ;;
  demo) demo_command "$@" ;;
  reproduce) reproduce_command "$@" ;;
  *) die "usage: sh cmake/bootstrap.sh test [--with arm,compilers,mpi,browser] | sanitize | threads | gpu | gpu-program [--pack | ARGUMENT...] | demo [--corpus DIR] [ARGUMENT...] | reproduce [ARGUMENT...]" ;;
esac
