// error: the CPU's backend is for C++ files: the CUDA compiler does not read its vectors
#include <moe/backend/cpu/cpu.hpp>
