"""Reads a safetensors file with the reference implementation, prints its tensors, and writes them to another file."""
import sys

from safetensors.numpy import load_file, save_file

tensors = load_file(sys.argv[1])
for name in sorted(tensors):
    print(name, tensors[name].dtype, *tensors[name].shape)
save_file(tensors, sys.argv[2], metadata={"format": "np"})
