/// Experts with an activation other than SiLU, for any registry.
#pragma once

#include "moe/core/activation.hpp"
#include "moe/experts/glu.hpp"
#include "moe/runtime/registry.hpp"

namespace multipl_moe {

/// Adds gated FFNs under the names of their activations in config.json: gelu and gelu_pytorch_tanh. Compiles the
/// layers.
template <class Value, class Backend>
void add_all_activations(moe::Registry<Value, Backend>& registry) {
  registry.template add_token_expert<moe::Glu<moe::Gelu, Value, Backend>>("gelu");
  registry.template add_token_expert<moe::Glu<moe::GeluTanh, Value, Backend>>("gelu_pytorch_tanh");
}

}  // namespace multipl_moe
