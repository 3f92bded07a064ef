#!/bin/sh
# Checks the program multipl_moe on this machine's GPU: run --out DIR. `run --help` lists the stages. Needs the driver,
# cuBLAS and a shell. cuBLAS is part of the CUDA Toolkit, and of the packages that PyTorch requires of pip.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

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
  for library in "$folder"/libcublas.so.*; do
    [ ! -e "$library" ] || printf ':%s' "$folder"
    break
  done
done)
# What the caller has set is searched first.
LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}$found
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH#:}"
exec "$here/multipl_moe_gpu_check" "$@"
