/// The layers of a model on a GPU.
#pragma once

#include <moe/cuda.cuh>

#include "moe/core/bfloat16.hpp"
#include "moe/runtime/any_layer.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

using CudaLayer = moe::AnyLayer<moe::BFloat16, moe::Cuda>;

/// The layer that `config` names, with weights in bfloat16; all are 0 except those of a learned fusion.
CudaLayer make_cuda_layer(const ModelConfig& config);

}  // namespace multipl_moe
