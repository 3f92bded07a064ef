#include "multipl_moe/model/parameter_count.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

#include "moe/train/walk.hpp"
#include "multipl_moe/model/layer_work.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

namespace {

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

/// The index of an adapter of a MoLE.
std::int64_t adapter_of(const std::string& name) { return number_in_name(".adapters.", name); }

/// Number of values of a weight without the zeros that pad its adapter to the highest rank.
std::int64_t size_of(const std::string& name, std::int64_t stored, const ModelConfig& config) {
  if (!has(name, ".adapters.")) return stored;
  const MoeConfig& m = *config.moe;
  const std::int64_t adapter = adapter_of(name), languages = std::ssize(m.languages);
  const std::int64_t highest = m.language_rank + m.shared_rank, rank = adapter < languages    ? m.language_rank
                                                                       : adapter == languages ? m.shared_rank
                                                                                              : highest;
  return stored / highest * rank;
}

std::int64_t& part_of(const std::string& name, ParameterCount& parameter_count) {
  if (has(name, "embed_tokens") || has(name, "lm_head")) return parameter_count.embedding;
  if (has(name, ".lora_")) return parameter_count.adapters;
  if (has(name, "norm")) return parameter_count.norms;
  if (has(name, "self_attn")) return parameter_count.attention;
  if (has(name, ".gate.weight") || has(name, "shared_expert_gate")) return parameter_count.routers;
  if (has(name, ".fusion.")) return parameter_count.fusions;
  return parameter_count.experts;
}

}  // namespace

std::int64_t number_in_name(std::string_view before, const std::string& name) {
  return std::stoll(name.substr(name.find(before) + before.size()));
}

double share_of_tokens(const std::string& name, const ModelConfig& config) {
  if (has(name, ".adapters.")) {
    const std::int64_t adapter = adapter_of(name), languages = std::ssize(config.moe->languages);
    return adapter < languages ? 1 / static_cast<double>(languages) : adapter == languages ? 1 : 0;
  }
  if (!has(name, ".experts.")) return 1;
  const MoeConfig& m = *config.moe;
  if (has(name, ".segment.")) return m.segment_capacity_factor / static_cast<double>(m.num_segment_experts);
  const auto fixed = work_of(m).fixed_experts(m);
  if (std::find(fixed.begin(), fixed.end(), number_in_name(".experts.", name)) != fixed.end()) return 1;
  return static_cast<double>(m.num_experts_per_tok - std::ssize(fixed)) /
         static_cast<double>(m.num_token_experts - std::ssize(fixed));
}

ParameterCount parameter_count_of(const ModelConfig& config) {
  ParameterCount parameter_count;
  double active = 0;
  const auto trains = post_training_weights(config);
  const auto model = make_transformer(config, make_layer_shape);
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        if (has(name, ".first_segment")) {
          parameter_count.first_segments += weight.size();
          return;
        }
        const std::int64_t size = size_of(name, weight.size(), config);
        parameter_count.total += size;
        parameter_count.filling += weight.size() - size;
        active += share_of_tokens(name, config) * static_cast<double>(size);
        parameter_count.trainable += trains(name) ? size : 0;
        part_of(name, parameter_count) += size;
      },
      model);
  moe::for_each_buffer([&](const std::string&, const auto& buffer) { parameter_count.buffers += buffer.size(); },
                       model);
  parameter_count.active = std::llround(active);
  return parameter_count;
}

MatrixValues matrix_values_of_token(const ModelConfig& config, const std::function<bool(std::string_view)>& trains) {
  MatrixValues values;
  const auto model = make_transformer(config, make_layer_shape);
  const std::string head = model.is_tied ? "embed_tokens" : "lm_head";
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        const bool is_head = has(name, head.c_str());
        // A token reads one row of the embedding, without a product.
        if (std::remove_cvref_t<decltype(weight)>::rank != 2 || (has(name, "embed_tokens") && !is_head)) return;
        const double active = share_of_tokens(name, config) * static_cast<double>(size_of(name, weight.size(), config));
        (is_head ? values.in_head : values.in_layers) += active;
        values.trainable += trains(name) ? active : 0;
      },
      model);
  return values;
}

}  // namespace multipl_moe
