// error: moe/cuda.cuh is for .cu files, which nvcc compiles: include moe/moe.hpp in C++ files
#include <moe/cuda.cuh>
