#include "backend/cuda/gpu/checks.hpp"
#include "moe/cuda.cuh"
#include "support/named_results.hpp"

namespace moe::testing::gpu_side {

std::vector<std::vector<double>> results_by_name(const Composition& composition) {
  const CudaContext context;
  return testing::results_by_name<BFloat16, Cuda>(context, composition);
}

}  // namespace moe::testing::gpu_side
