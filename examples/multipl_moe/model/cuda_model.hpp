/// Models on NVIDIA GPUs. A program built without the CUDA Toolkit has none (no_cuda.cpp).
#pragma once

#include <memory>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// make_language_model() in bfloat16 on GPU number `gpu`, which must exist. `threads`: host threads that draw weights.
/// Throws moe::DeviceOutOfMemory if the GPU has not enough memory; Failure if the program was built without the CUDA
/// Toolkit.
std::unique_ptr<LanguageModel> make_cuda_model(const ModelConfig& config, int gpu, int threads,
                                               const ExpertSpread& spread);

}  // namespace multipl_moe
