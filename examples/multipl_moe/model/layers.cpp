#include "multipl_moe/model/layers.hpp"

#include "compiled_layers/compiled_layers.hpp"
#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/model/activations.hpp"
#include "multipl_moe/model/composition.hpp"
#include "multipl_moe/model/layer_work.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

namespace {

template <class Value, class Backend>
moe::Registry<Value, Backend> with_activations() {
  moe::Registry<Value, Backend> registry;
  add_activations(registry);
  return registry;
}

}  // namespace

moe::Composition composition_of(const ModelConfig& config) {
  moe::Composition c;
  c.architecture = config.architecture();
  c.settings.width = config.hidden_size;
  c.settings.hidden = config.expert_width();
  if (config.hidden_act != usual_activation) c.expert = config.hidden_act;
  if (!config.moe) return c;
  work_of(*config.moe).compose(*config.moe, c);
  return c;
}

bool adapts_attention(const MoeConfig& moe) { return work_of(moe).adapts_attention; }

const LayerWork& work_of(const MoeConfig& moe) { return *architecture_named(moe.architecture).work; }

Layer make_layer(const ModelConfig& config) {
  static const auto registry = with_activations<float, moe::Cpu<>>();
  return registry.make(composition_of(config));
}

BFloat16Layer make_bfloat16_layer(const ModelConfig& config) {
  static const auto registry = with_activations<moe::BFloat16, moe::Cpu<>>();
  return registry.make(composition_of(config));
}

LayerShape make_layer_shape(const ModelConfig& config) {
  static const auto registry = with_activations<float, moe::Shape>();
  return registry.make(composition_of(config));
}

}  // namespace multipl_moe
