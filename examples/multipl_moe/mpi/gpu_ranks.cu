#include "multipl_moe/mpi/gpu_ranks.hpp"

#include "moe/comm/ranks_over.hpp"
#include "moe/cuda.cuh"
#ifdef MOE_PROGRAM_HAS_NCCL
#include "moe/nccl.cuh"
#include "multipl_moe/cuda/nccl.hpp"
#endif

namespace multipl_moe {

std::string reason_against_nccl() {
#ifdef MOE_PROGRAM_HAS_NCCL
  const std::string lacks = lacks_of_nccl();
  return lacks.empty() ? "" : "NCCL needs " + lacks;
#else
  return "the program was built without NCCL (apt-get install libnccl-dev, and build again)";
#endif
}

std::shared_ptr<moe::AnyRanks> ranks_on_gpu(const moe::MpiComm& comm, int gpu, [[maybe_unused]] bool through_nccl) {
  moe::gpu::check(cudaSetDevice(gpu), "Cuda");
#ifdef MOE_PROGRAM_HAS_NCCL
  if (through_nccl) return moe::ranks_over<moe::Cuda>(moe::NcclComm<moe::MpiComm>(comm, {.device = gpu}));
#endif
  return moe::ranks_over<moe::Cuda>(comm);
}

}  // namespace multipl_moe
