#include "multipl_moe/model/upcycle_block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "moe/layers/presets.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/split_into_adapters.hpp"
#include "moe/train/split_into_experts.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/mixture_settings.hpp"

namespace multipl_moe {

namespace {

using Mole = moe::Mole<Layer::Value, Layer::Backend>;
using Qwen15Moe = moe::Qwen15Moe<Layer::Value, Layer::Backend>;

/// Experts that hold less than their shard of the dense FFN, or not all of it.
void check_widths(const ModelConfig& config) {
  const MoeConfig& moe = *config.moe;
  if (moe.architecture != "qwen1.5-moe") {
    if (config.expert_width() != config.intermediate_size)
      throw UsageError(fmt::format("[upcycle] an expert must be as wide as the dense FFN, {}, found {}",
                                   config.intermediate_size, config.expert_width()));
    return;
  }
  const std::int64_t shard = (config.intermediate_size + fine_grained_shards - 1) / fine_grained_shards,
                     shared = moe.shared_expert_intermediate_size;
  if (config.expert_width() < shard || shared < config.intermediate_size)
    throw UsageError(
        fmt::format("[upcycle] an expert must hold a shard of the dense FFN, {}, and the shared expert all {}, "
                    "found {} and {}",
                    counted(shard, "channels"), config.intermediate_size, config.expert_width(), shared));
}

/// What `start` or the ranks ask of an architecture that does not have it.
void check_adapters(const ModelConfig& config, const moe::Upcycling& start) {
  const MoeConfig& moe = *config.moe;
  if (moe.is_adapted() && (start.noise_deviation != 0 || start.reinitialised != 0))
    throw UsageError(
        fmt::format("[upcycle] {} has no copies of the dense FFN to add noise to or to draw channels of "
                    "anew",
                    moe.architecture));
  const std::int64_t components = std::min(config.hidden_size, config.intermediate_size);
  if (moe.architecture == "mole" && moe.language_rank + moe.shared_rank > components)
    throw UsageError(
        fmt::format("[upcycle] a projection has {}, which the ranks of a language and of the "
                    "shared adapter must not exceed together, found {} and {}",
                    counted(components, "singular components"), moe.language_rank, moe.shared_rank));
}

}  // namespace

ModelConfig upcycled_config(const ModelConfig& dense, const MoeConfig& mixture, const moe::Upcycling& start) {
  if (dense.moe) throw UsageError("[upcycle] the model must be dense, found " + dense.moe->architecture);
  ModelConfig config = dense;
  config.moe = mixture;
  check_widths(config);
  if (const auto fault = fault_in(config)) throw UsageError("[upcycle] " + in_flags(*fault));
  check_adapters(config, start);
  return config;
}

void upcycle_block(const Layer::Context& context, Block<Layer>& dense, Block<Layer>& block, const moe::Upcycling& start,
                   std::int64_t number) {
  moe::copy_weights(dense.input_norm, block.input_norm);
  moe::copy_weights(dense.post_attention_norm, block.post_attention_norm);
  moe::copy_weights(dense.self_attn, block.self_attn);
  const std::string prefix = fmt::format("model.layers.{}.", number);
  block.self_attn.for_each_projection([&](const char* name, auto& projection) {
    if (projection.has_adapter())
      moe::draw_adapters(context, projection.lora, start.seed, prefix + "self_attn." + name + ".");
  });
  const Layer::Dense& ffn = *dense.mlp.as<Layer::Dense>();
  if (auto* mole = block.mlp.as<Mole>())
    moe::split_into_adapters(context, ffn, *mole);
  else if (auto* fine_grained = block.mlp.as<Qwen15Moe>())
    moe::split_into_experts(context, ffn, *fine_grained, fine_grained_shards, start, prefix + "mlp.");
  else
    upcycle(context, ffn, block.mlp, start, prefix + "mlp.");
}

}  // namespace multipl_moe
