#include "multipl_moe/model/activations.hpp"

#include "moe/core/activation.hpp"
#include "moe/experts/glu.hpp"

namespace multipl_moe {

namespace {

template <class Backend>
void add_all(moe::Registry<float, Backend>& registry) {
  registry.template add_token_expert<moe::Glu<moe::Gelu, float, Backend>>("gelu");
  registry.template add_token_expert<moe::Glu<moe::GeluTanh, float, Backend>>("gelu_pytorch_tanh");
}

}  // namespace

void add_activations(moe::Registry<float, moe::Cpu<>>& registry) { add_all(registry); }
void add_activations(moe::Registry<float, moe::Shape>& registry) { add_all(registry); }

}  // namespace multipl_moe
