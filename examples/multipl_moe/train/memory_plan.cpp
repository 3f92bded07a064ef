#include "multipl_moe/train/memory_plan.hpp"

#include <algorithm>

#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/tensor_list.hpp"

namespace multipl_moe {

namespace {

/// Upper bound of the mean number of segment experts per token. Causal routing selects all first segments of a batch or
/// none, so an expert may take those of all sequences but one beyond its share.
double segment_experts_of_token(const MoeConfig& moe, bool is_causal, const MicroBatch& batch) {
  const double experts = static_cast<double>(moe.num_segment_experts), share = moe.segment_capacity_factor;
  if (moe.num_segment_experts == 0) return 0;
  if (!is_causal) return share;
  const auto beyond = static_cast<double>((batch.sequences - 1) * moe.segment_window);
  return std::min(experts, share + experts * beyond / static_cast<double>(batch.tokens()));
}

/// Mean number of inner values per token that the FFNs keep: two pre-activations for each channel of the experts that
/// process the token.
double inner_values(const ModelConfig& config, const MicroBatch& batch) {
  const auto width = static_cast<double>(config.expert_width());
  if (!config.moe || config.moe->is_adapted()) return 2 * width;
  const MoeConfig& moe = *config.moe;
  const double token_rows = static_cast<double>(moe.num_experts_per_tok);
  const double segment_rows = segment_experts_of_token(moe, make_layer_shape(config).is_causal(), batch);
  return 2 * (width * (token_rows + segment_rows) + static_cast<double>(moe.shared_expert_intermediate_size));
}

/// Bytes that a model in bfloat16 needs beside its activations, because it computes in float32: attention and its
/// gradients, the input of a norm and of a router, and a chunk of logits, which is then rounded.
std::int64_t widened_bytes(const ModelConfig& config, const MicroBatch& batch) {
  const std::int64_t heads = config.num_attention_heads + config.num_key_value_heads;
  const std::int64_t values = batch.tokens() * (4 * heads * config.head_dim() + 2 * config.hidden_size);
  return 4 * values + 2 * std::min(batch.tokens(), logit_rows) * config.vocab_size;
}

}  // namespace

TrainingCounts training_counts(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                               const ExpertPart& part) {
  TrainingCounts counts;
  for (const ListedTensor& tensor : list_tensors(config, part)) {
    counts.weights += tensor.count();
    if (is_always_float(tensor)) counts.floats += tensor.count();
    if (tensor.kind == TensorKind::buffer || !trains(tensor.name)) continue;
    counts.trainable += tensor.count();
    counts.largest = std::max(counts.largest, tensor.count());
  }
  counts.part.owned = counts.trainable;
  return counts;
}

ActivationValues activation_values_by_part(const ModelConfig& config, const MicroBatch& batch) {
  const auto tokens = static_cast<double>(batch.tokens());
  const auto outside = [&](const ModelConfig& alike) {
    return tokens * (outer_values_per_token(alike) + routing_values_per_token(alike));
  };
  const auto values_in = [&](const ModelConfig& alike) { return outside(alike) + tokens * inner_values(alike, batch); };
  const double mixed = values_in(config);
  const double dense = config.dense_layers.empty() ? 0 : values_in(config.of_layer(config.dense_layers.front()));
  ActivationValues values{.layer = std::max(mixed, dense),
                          .outside = outside(config),
                          .input = tokens * static_cast<double>(config.hidden_size)};
  const auto layers = static_cast<double>(config.num_hidden_layers),
             dense_layers = static_cast<double>(config.dense_layers.size());
  values.kept = batch.checkpointing == ActivationCheckpointing::off
                    ? (layers - dense_layers) * mixed + dense_layers * dense
                    : layers * values.input + values.layer;
  return values;
}

std::int64_t activation_values(const ModelConfig& config, const MicroBatch& batch) {
  const ActivationValues values = activation_values_by_part(config, batch);
  // The loss holds two chunks of logits.
  const double logits = 2.0 * static_cast<double>(std::min(batch.tokens(), logit_rows) * config.vocab_size);
  return static_cast<std::int64_t>(values.kept + std::max(values.layer, logits) + 2 * values.input);
}

MemoryPlan host_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                     AdamWPrecision precision, ModelDtype dtype) {
  return {.weights = weight_bytes(counts, dtype),
          .gradients = 4 * counts.trainable * counts.part.gradients,
          .moments = precision.bytes() * counts.part.owned,
          .activations = value_bytes_of(dtype) * activation_values(config, batch) +
                         (dtype == ModelDtype::bfloat16 ? widened_bytes(config, batch) : 0),
          .exchange = counts.part.exchange_bytes};
}

std::int64_t weight_bytes(const TrainingCounts& counts, ModelDtype dtype) {
  return value_bytes_of(dtype) * (counts.weights - counts.floats) + 4 * counts.floats;
}

std::int64_t checkpoint_bytes(const TrainingCounts& counts, AdamWPrecision precision, ModelDtype dtype) {
  return weight_bytes(counts, dtype) + precision.bytes() * counts.trainable;
}

}  // namespace multipl_moe
