/// Experts with an activation other than SiLU.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/runtime/registry.hpp"

namespace multipl_moe {

/// Adds gated FFNs under the names of their activations in config.json: gelu and gelu_pytorch_tanh.
void add_activations(moe::Registry<float, moe::Cpu<>>& registry);
void add_activations(moe::Registry<moe::BFloat16, moe::Cpu<>>& registry);
void add_activations(moe::Registry<float, moe::Shape>& registry);

}  // namespace multipl_moe
