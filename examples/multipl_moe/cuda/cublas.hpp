#pragma once

#include <string>

namespace multipl_moe {

/// cuBLAS, if the system has no library of the version that the program was compiled for, and how to get it; empty if
/// it has one.
std::string lacks_of_cublas();

}  // namespace multipl_moe
