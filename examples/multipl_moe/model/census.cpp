#include "multipl_moe/model/census.hpp"

#include <cmath>
#include <string>

#include "moe/train/walk.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

namespace {

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

/// The share of an expert's weights that a token uses, on average.
double active_share(const std::string& name, const ModelConfig& config) {
  if (!has(name, ".experts.")) return 1;
  const MoeConfig& m = *config.moe;
  return has(name, ".segment.") ? m.segment_capacity_factor / static_cast<double>(m.num_segment_experts)
                                : static_cast<double>(m.num_experts_per_tok) / static_cast<double>(m.num_token_experts);
}

std::int64_t& part_of(const std::string& name, Census& census) {
  if (has(name, "embed_tokens") || has(name, "lm_head")) return census.embedding;
  if (has(name, "self_attn")) return census.attention;
  if (has(name, "norm")) return census.norms;
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
        census.total += weight.size();
        active += active_share(name, config) * static_cast<double>(weight.size());
        census.trainable += trains(name) ? weight.size() : 0;
        part_of(name, census) += weight.size();
      },
      model);
  moe::for_each_buffer([&](const std::string&, const auto& buffer) { census.buffers += buffer.size(); }, model);
  census.active = std::llround(active);
  return census;
}

}  // namespace multipl_moe
