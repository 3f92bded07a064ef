#include "multipl_moe/model/inference_plan.hpp"

#include <algorithm>
#include <functional>

#include "moe/core/int8_groups.hpp"
#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/tensor_list.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t value_bytes = 4;
/// Bytes per token of a text being scored: in file order (a list with spare capacity), as input and as target.
constexpr std::int64_t text_token_bytes = 16;
/// Bytes per token of a growing text: its id, its language, and its entry in the set of tokens that occurred.
constexpr std::int64_t grown_token_bytes = 64;
/// Bytes per pair of row and expert: in the observation, and in the layer's tensors that it is copied from.
constexpr std::int64_t observed_pair_bytes = 24;

/// Maximum number of experts per token. With threshold routing all segment experts may take a segment.
double expert_rows(const ModelConfig& config, bool is_causal) {
  const MoeConfig& moe = *config.moe;
  const auto segment_experts = static_cast<double>(moe.num_segment_experts);
  return static_cast<double>(moe.num_experts_per_tok) +
         (is_causal ? segment_experts : std::min(segment_experts, moe.segment_capacity_factor));
}

/// Bytes of a pass over `tokens` tokens at once: one layer's tensors and those alive around it, in float32.
std::int64_t bytes_in_layer(const ModelConfig& config, std::int64_t tokens) {
  const auto width = static_cast<double>(config.hidden_size), inner = static_cast<double>(config.expert_width());
  const auto queries = static_cast<double>(config.num_attention_heads * config.head_dim());
  double values = outer_values_per_token(config) + routing_values_per_token(config) + 2 * std::max(width, queries);
  // A product of many rows packs them into the order in which it reads them.
  if (!config.moe) {
    values += 2 * inner;
  } else if (config.moe->is_adapted()) {
    values += 3 * inner;
  } else {
    const MoeConfig& moe = *config.moe;
    // Gathered input, inner values and output of each expert row, for the maximum number of rows; and the packed inner
    // values, for the expected number.
    values += expert_rows(config, make_layer_shape(config).is_causal()) * (inner + 2 * width);
    values += expert_rows(config, false) * inner;
    values += static_cast<double>(moe.shared_expert_intermediate_size);
  }
  return value_bytes * static_cast<std::int64_t>(static_cast<double>(tokens) * values);
}

/// bytes_in_layer() of the largest layer, and on a GPU the scores of attention, in float32 and in bfloat16.
std::int64_t pass_bytes(const ModelConfig& config, std::int64_t sequences, std::int64_t length, WeightsPlace place) {
  std::int64_t bytes = bytes_in_layer(config, sequences * length);
  if (!config.dense_layers.empty())
    bytes = std::max(bytes, bytes_in_layer(config.of_layer(config.dense_layers.front()), sequences * length));
  return bytes + (place == WeightsPlace::device ? attention_scratch_bytes(config, sequences, length, 4 + 2) : 0);
}

/// Final capacity of a KV cache in tokens: twice the prompt, at least 64, doubled until it holds `total`.
std::int64_t cached_tokens(std::int64_t prompt, std::int64_t total) {
  std::int64_t room = std::max<std::int64_t>(64, 2 * prompt);
  while (room < total) room *= 2;
  return room;
}

/// Bytes of the keys and values of the `batch` longest texts.
std::int64_t cache_bytes(const ModelConfig& config, const GenerationSize& size) {
  std::vector<std::int64_t> rooms;
  for (const std::int64_t prompt : size.prompt_tokens) rooms.push_back(cached_tokens(prompt, prompt + size.new_tokens));
  std::sort(rooms.begin(), rooms.end(), std::greater<>());
  rooms.resize(std::min(rooms.size(), static_cast<std::size_t>(size.batch)));
  std::int64_t tokens = 0;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::int64_t window = config.window_of(layer);
    for (const std::int64_t room : rooms) tokens += window > 0 ? std::min(room, window) : room;
  }
  return value_bytes_of(size.weights.dtype) * tokens * 2 * config.num_key_value_heads * config.head_dim();
}

}  // namespace

MemoryPart weights_in_memory(const ModelConfig& config, WeightsForm form) {
  const bool in_file = form.place == WeightsPlace::file;
  std::int64_t bytes = 0;
  for (const ListedTensor& tensor : list_tensors(config, form.experts))
    if (!in_file || tensor.kind != TensorKind::matrix) bytes += bytes_in_memory(tensor, form.dtype);
  return {in_file ? "weights that are not in the file" : "weights", bytes, true};
}

MemoryPart copies_for_decoding(const ModelConfig& config, DecodingWeights copies) {
  const bool is_int8 = copies == DecodingWeights::int8;
  const auto bytes_of = [is_int8](std::int64_t values, std::int64_t cols) {
    return is_int8 ? moe::Int8Groups::bytes(values / cols * moe::Int8Groups::count(cols)) : 2 * values;
  };
  // The head, be it the embedding or not.
  std::int64_t bytes = bytes_of(config.vocab_size * config.hidden_size, config.hidden_size);
  for (const ListedTensor& tensor : list_tensors(config))
    if (tensor.kind == TensorKind::matrix && tensor.name.starts_with("model.layers.") && tensor.count() > 0)
      bytes += bytes_of(tensor.count(), tensor.shape.back());
  return {is_int8 ? "copies of them in 8 bits" : "copies of them in bfloat16", bytes};
}

std::vector<MemoryPart> scoring_plan(const ModelConfig& config, const ScoringSize& size) {
  const std::int64_t tokens = size.sequences * size.length;
  const bool on_device = size.weights.place == WeightsPlace::device;
  const std::int64_t rows = std::min(tokens, on_device ? logit_rows_of_a_device : logit_rows);
  std::vector<MemoryPart> parts{
      weights_in_memory(config, size.weights),
      {"activations", pass_bytes(config, size.sequences, size.length, size.weights.place)},
      {"logits", value_bytes * rows * config.vocab_size},
  };
  if (on_device) return parts;
  parts.push_back({"text", text_token_bytes * size.text_tokens});
  if (size.is_observed && config.moe)
    parts.push_back({"routing decisions",
                     observed_pair_bytes * tokens * (config.moe->num_token_experts + config.moe->num_segment_experts)});
  return parts;
}

std::vector<MemoryPart> generation_plan(const ModelConfig& config, const GenerationSize& size) {
  std::int64_t longest = 0, tokens = 0;
  for (const std::int64_t prompt : size.prompt_tokens) {
    longest = std::max(longest, prompt);
    tokens += prompt + size.new_tokens;
  }
  std::vector<MemoryPart> parts{weights_in_memory(config, size.weights)};
  if (make_layer_shape(config).is_causal()) {
    if (size.copies != DecodingWeights::as_they_are) parts.push_back(copies_for_decoding(config, size.copies));
    const std::int64_t together = std::min(size.batch, static_cast<std::int64_t>(size.prompt_tokens.size()));
    parts.push_back({"keys and values", cache_bytes(config, size)});
    parts.push_back({"activations", pass_bytes(config, 1, longest, size.weights.place)});
    // The model's logits, the copy that sampling modifies, and the order of one text's tokens.
    parts.push_back({"logits", value_bytes * (2 * together + 1) * config.vocab_size});
  } else {
    parts.push_back({"activations", pass_bytes(config, 1, longest + size.new_tokens, size.weights.place)});
    parts.push_back({"logits", value_bytes * 3 * config.vocab_size});
  }
  if (size.weights.place != WeightsPlace::device) parts.push_back({"texts", grown_token_bytes * tokens});
  return parts;
}

}  // namespace multipl_moe
