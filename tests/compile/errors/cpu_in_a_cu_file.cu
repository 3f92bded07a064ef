// error: moe/moe.hpp includes the CPU backend, which nvcc does not compile: include moe/cuda.cuh in .cu files
#include <moe/moe.hpp>
