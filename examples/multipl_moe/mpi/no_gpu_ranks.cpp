/// What stands in for gpu_ranks.cu in a build without the CUDA Toolkit.
#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/mpi/gpu_ranks.hpp"

namespace multipl_moe {

std::string reason_against_nccl() { return gpus().none_because; }

std::shared_ptr<moe::AnyRanks> ranks_on_gpu(const moe::MpiComm&, int, bool) {
  throw Failure("[--device] no GPU can be used: " + reason_against_nccl());
}

}  // namespace multipl_moe
