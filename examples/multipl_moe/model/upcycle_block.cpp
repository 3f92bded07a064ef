#include "multipl_moe/model/upcycle_block.hpp"

#include <fmt/format.h>

#include <string>

#include "moe/train/draw_adapters.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/mixture_settings.hpp"
#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

ModelConfig upcycled_config(const ModelConfig& dense, const MoeConfig& mixture, const moe::Upcycling& start) {
  // Upcycling copies the dense FFN, cuts it into experts or splits it into adapters; all of these require a SwiGLU.
  if (dense.hidden_act != usual_activation)
    throw UsageError(fmt::format("[upcycle] hidden_act of the dense model must be \"{}\", found \"{}\"",
                                 usual_activation, dense.hidden_act));
  if (dense.moe) throw UsageError("[upcycle] the model must be dense, found " + dense.moe->architecture);
  ModelConfig config = dense;
  config.moe = mixture;
  if (const auto fault = fault_in(config)) throw UsageError("[upcycle] " + in_flags(*fault));
  work_of(mixture).check(config, start);
  return config;
}

void upcycle_block(const Layer::Context& context, const MoeConfig& mixture, Block<Layer>& dense, Block<Layer>& block,
                   const moe::Upcycling& start, std::int64_t number) {
  moe::copy_weights(dense.input_norm, block.input_norm);
  moe::copy_weights(dense.post_attention_norm, block.post_attention_norm);
  moe::copy_weights(dense.self_attn, block.self_attn);
  const std::string prefix = fmt::format("model.layers.{}.", number);
  block.self_attn.for_each_projection([&](const char* name, auto& projection) {
    if (projection.has_adapter())
      moe::draw_adapters(context, projection.lora, start.seed, prefix + "self_attn." + name + ".");
  });
  const Layer::Dense& ffn = *dense.mlp.as<Layer::Dense>();
  work_of(mixture).upcycle(context, ffn, block.mlp, start, prefix + "mlp.");
}

}  // namespace multipl_moe
