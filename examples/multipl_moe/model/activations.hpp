/// Layers whose experts have another activation than SiLU.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/runtime/registry.hpp"

namespace multipl_moe {

/// Adds gated FFNs by the names that config.json has of their activations: gelu and gelu_pytorch_tanh.
void add_activations(moe::Registry<float, moe::Cpu<>>& registry);
void add_activations(moe::Registry<float, moe::Shape>& registry);

}  // namespace multipl_moe
