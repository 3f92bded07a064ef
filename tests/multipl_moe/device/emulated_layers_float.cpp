#include "emulated_model.hpp"
#include "moe/runtime/registry.hpp"
#include "multipl_moe/model/composition.hpp"

namespace multipl_moe::testing {

template <>
EmulatedLayer<float> make_emulated_layer(const ModelConfig& config) {
  static const moe::Registry<float, moe::testing::EmulatedWarps> registry;
  return registry.make(composition_of(config));
}

}  // namespace multipl_moe::testing
