// error: moe/moe.hpp has the CPU's backend, which the CUDA compiler does not read: include moe/cuda.cuh in .cu files
#include <moe/moe.hpp>
