#pragma once

#include <string>

namespace multipl_moe {

/// NCCL, if the system does not load it, and how to get it; empty if it does. Only in a build with NCCL's header.
std::string lacks_of_nccl();

}  // namespace multipl_moe
