/// The ranks of processes that have a GPU each.
#pragma once

#include <memory>
#include <string>

#include "moe/comm/ranks.hpp"
#include "moe/mpi.hpp"

namespace multipl_moe {

/// Why NCCL cannot connect the GPU of this process with others, and how to get it; empty if it can.
std::string reason_against_nccl();

/// The ranks of `comm` for models on GPU number `gpu` of this process. Data travels between GPUs through NCCL or
/// through the memory of their machines. All processes call it together. Throws moe::CommError, moe::DeviceError.
std::shared_ptr<moe::AnyRanks> ranks_on_gpu(const moe::MpiComm& comm, int gpu, bool through_nccl);

}  // namespace multipl_moe
