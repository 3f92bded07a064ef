#!/bin/sh
# Checks the program multipl_moe on this machine's GPU: run --out DIR. `run --help` lists the stages. Needs the driver, a
# shell, the processor architecture of the machine that has packed the check, a glibc at least as new as its, and cuBLAS
# of the major version of its CUDA Toolkit. cuBLAS is part of the toolkit, and of the packages that PyTorch requires of
# pip. MOE_GPU_CHECK names another program to start than the packed one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

program=${MOE_GPU_CHECK:-$here/multipl_moe_gpu_check}
# The library of the major version that the program was built with: no other can stand in for it. Any, if it was not
# packed.
wanted='libcublas.so.*'
[ ! -f "$here/cublas" ] || wanted=$(cat "$here/cublas")

# Folders that may hold cuBLAS, one a line.
places() {
  ls -d /usr/local/cuda*/lib64 2>/dev/null || true
  for python in python3 python; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -c 'import glob, sys
for path in sys.path:
    print("\n".join(glob.glob(glob.escape(path or ".") + "/nvidia/c*/lib")))' 2>/dev/null || true
    break
  done
}
found=$(places | while read -r folder; do
  for library in "$folder"/$wanted; do
    [ ! -e "$library" ] || printf ':%s' "$folder"
    break
  done
done)
# What the caller has set is searched first.
LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}$found
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH#:}"
exec "$program" "$@"
