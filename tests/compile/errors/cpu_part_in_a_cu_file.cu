// error: the CPU backend is for C++ files: the CUDA compiler does not support its vector types
#include <moe/backend/cpu/cpu.hpp>
