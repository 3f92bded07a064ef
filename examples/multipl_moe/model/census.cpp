#include "multipl_moe/model/census.hpp"

#include <cmath>
#include <string>
#include <string_view>

#include "moe/train/walk.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

namespace {

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

/// Which adapter of a MoLE's a weight is part of.
std::int64_t adapter_of(const std::string& name) {
  constexpr std::string_view before = ".adapters.";
  return std::stoll(name.substr(name.find(before) + before.size()));
}

/// The weight without what fills its adapter up to the highest rank.
std::int64_t size_of(const std::string& name, std::int64_t stored, const ModelConfig& config) {
  if (!has(name, ".adapters.")) return stored;
  const MoeConfig& m = *config.moe;
  const std::int64_t adapter = adapter_of(name), languages = std::ssize(m.languages);
  const std::int64_t highest = m.language_rank + m.shared_rank, rank = adapter < languages    ? m.language_rank
                                                                       : adapter == languages ? m.shared_rank
                                                                                              : highest;
  return stored / highest * rank;
}

/// The share of an expert's or adapter's weights that a token uses, on average.
double active_share(const std::string& name, const ModelConfig& config) {
  if (has(name, ".adapters.")) {
    const std::int64_t adapter = adapter_of(name), languages = std::ssize(config.moe->languages);
    return adapter < languages ? 1 / static_cast<double>(languages) : adapter == languages ? 1 : 0;
  }
  if (!has(name, ".experts.")) return 1;
  const MoeConfig& m = *config.moe;
  return has(name, ".segment.") ? m.segment_capacity_factor / static_cast<double>(m.num_segment_experts)
                                : static_cast<double>(m.num_experts_per_tok) / static_cast<double>(m.num_token_experts);
}

std::int64_t& part_of(const std::string& name, Census& census) {
  if (has(name, "embed_tokens") || has(name, "lm_head")) return census.embedding;
  if (has(name, ".lora_")) return census.adapters;
  if (has(name, "norm")) return census.norms;
  if (has(name, "self_attn")) return census.attention;
  if (has(name, ".gate.weight") || has(name, "shared_expert_gate")) return census.routers;
  if (has(name, ".fusion.")) return census.fusions;
  return census.experts;
}

}  // namespace

Census census_of(const ModelConfig& config) {
  Census census;
  double active = 0;
  const auto trains = post_training_weights(config);
  const auto model = make_transformer(config, make_layer_shape);
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        if (has(name, ".first_segment")) {
          census.first_segments += weight.size();
          return;
        }
        const std::int64_t size = size_of(name, weight.size(), config);
        census.total += size;
        census.filling += weight.size() - size;
        active += active_share(name, config) * static_cast<double>(size);
        census.trainable += trains(name) ? size : 0;
        part_of(name, census) += size;
      },
      model);
  moe::for_each_buffer([&](const std::string&, const auto& buffer) { census.buffers += buffer.size(); }, model);
  census.active = std::llround(active);
  return census;
}

}  // namespace multipl_moe
