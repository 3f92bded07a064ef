/// Experts with an activation other than SiLU.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/experts/glu.hpp"
#include "moe/runtime/registry.hpp"

namespace multipl_moe {

/// Adds gated FFNs under the names of their activations in config.json: gelu and gelu_pytorch_tanh.
void add_activations(moe::Registry<float, moe::Cpu<>>& registry);
void add_activations(moe::Registry<moe::BFloat16, moe::Cpu<>>& registry);
void add_activations(moe::Registry<float, moe::Shape>& registry);

/// The same for any registry; compiles the layers.
template <class Value, class Backend>
void add_all_activations(moe::Registry<Value, Backend>& registry) {
  registry.template add_token_expert<moe::Glu<moe::Gelu, Value, Backend>>("gelu");
  registry.template add_token_expert<moe::Glu<moe::GeluTanh, Value, Backend>>("gelu_pytorch_tanh");
}

}  // namespace multipl_moe
