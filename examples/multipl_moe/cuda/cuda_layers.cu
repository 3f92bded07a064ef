#include "multipl_moe/cuda/cuda_layers.cuh"

#include "moe/runtime/registry.hpp"
#include "multipl_moe/model/all_activations.hpp"
#include "multipl_moe/model/composition.hpp"

namespace multipl_moe {

CudaLayer make_cuda_layer(const ModelConfig& config) {
  static const auto registry = [] {
    moe::Registry<moe::BFloat16, moe::Cuda> all;
    add_all_activations(all);
    return all;
  }();
  return registry.make(composition_of(config));
}

}  // namespace multipl_moe
