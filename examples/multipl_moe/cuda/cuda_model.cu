#include "multipl_moe/model/cuda_model.hpp"

#include <cuda_runtime.h>

#include "multipl_moe/cuda/cuda_layers.cuh"
#include "multipl_moe/model/transformer_model.hpp"

namespace multipl_moe {

std::unique_ptr<LanguageModel> make_cuda_model(const ModelConfig& config, int gpu, int threads,
                                               const ExpertSpread& spread) {
  moe::gpu::check(cudaSetDevice(gpu), "Cuda");
  return std::make_unique<TransformerModel<moe::BFloat16, moe::Cuda>>(config, threads, make_cuda_layer, spread);
}

}  // namespace multipl_moe
