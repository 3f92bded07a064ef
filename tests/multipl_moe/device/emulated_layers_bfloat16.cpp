#include "emulated_model.hpp"
#include "moe/runtime/registry.hpp"
#include "multipl_moe/model/composition.hpp"

namespace multipl_moe::testing {

template <>
EmulatedLayer<moe::BFloat16> make_emulated_layer(const ModelConfig& config) {
  static const moe::Registry<moe::BFloat16, moe::testing::EmulatedWarps> registry;
  return registry.make(composition_of(config));
}

}  // namespace multipl_moe::testing
