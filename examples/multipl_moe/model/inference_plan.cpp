#include "multipl_moe/model/inference_plan.hpp"

#include <algorithm>
#include <functional>

#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/tensor_list.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t value_bytes = 4;
/// A token of a text that is scored: in the file's order, as input and as target, the first list with room to grow.
constexpr std::int64_t text_token_bytes = 16;
/// A token of a text that grows: its number, its language, and a place in the set of those that occurred.
constexpr std::int64_t grown_token_bytes = 64;
/// A pair of row and expert as an observer is told of it, and as it was before.
constexpr std::int64_t observed_pair_bytes = 24;

/// Rows of experts that a token makes, at most: where thresholds choose, all segment experts may take a segment.
double expert_rows(const ModelConfig& config, bool is_causal) {
  const MoeConfig& moe = *config.moe;
  const auto segment_experts = static_cast<double>(moe.num_segment_experts);
  return static_cast<double>(moe.num_experts_per_tok) +
         (is_causal ? segment_experts : std::min(segment_experts, moe.segment_capacity_factor));
}

/// A pass over so many tokens at once: a layer's work and what lies beside it, in float32.
std::int64_t bytes_in_layer(const ModelConfig& config, std::int64_t tokens) {
  const auto width = static_cast<double>(config.hidden_size), inner = static_cast<double>(config.expert_width());
  const auto queries = static_cast<double>(config.num_attention_heads * config.head_dim());
  double values = outer_values_per_token(config) + routing_values_per_token(config) + 2 * std::max(width, queries);
  // A product of many rows copies them in the order in which it reads.
  if (!config.moe) {
    values += 2 * inner;
  } else if (config.moe->is_adapted()) {
    values += 3 * inner;
  } else {
    const MoeConfig& moe = *config.moe;
    // An expert's row as it is gathered, inside, and as it comes out, at most; and the copies of those that are usual.
    values += expert_rows(config, make_layer_shape(config).is_causal()) * (inner + 2 * width);
    values += expert_rows(config, false) * inner;
    values += static_cast<double>(moe.shared_expert_intermediate_size);
  }
  return value_bytes * static_cast<std::int64_t>(static_cast<double>(tokens) * values);
}

/// The same of the largest layer.
std::int64_t pass_bytes(const ModelConfig& config, std::int64_t tokens) {
  const std::int64_t mixed = bytes_in_layer(config, tokens);
  if (config.dense_layers.empty()) return mixed;
  return std::max(mixed, bytes_in_layer(config.of_layer(config.dense_layers.front()), tokens));
}

/// The largest matrix, of which a product of many rows makes a copy in the order in which it reads.
std::int64_t product_bytes(const ModelConfig& config) {
  const std::int64_t dense = config.dense_layers.empty() ? 0 : config.intermediate_size;
  const std::int64_t queries = config.num_attention_heads * config.head_dim();
  return value_bytes * config.hidden_size * std::max({config.vocab_size, config.expert_width(), dense, queries});
}

/// Tokens that a cache has room for at the end: twice the prompt, and twice as many as often as they are not enough.
std::int64_t cached_tokens(std::int64_t prompt, std::int64_t total) {
  std::int64_t room = std::max<std::int64_t>(64, 2 * prompt);
  while (room < total) room *= 2;
  return room;
}

/// Keys and values of the `batch` longest texts.
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
  return value_bytes * tokens * 2 * config.num_key_value_heads * config.head_dim();
}

}  // namespace

MemoryPart weights_in_memory(const ModelConfig& config) {
  std::int64_t values = 0;
  for (const ListedTensor& tensor : list_tensors(config)) values += tensor.count();
  return {"weights", value_bytes * values, true};
}

MemoryPart bfloat16_copies(const ModelConfig& config) {
  std::int64_t values = config.vocab_size * config.hidden_size;  // the head, be it the embedding or not
  for (const ListedTensor& tensor : list_tensors(config))
    if (tensor.kind == TensorKind::matrix && tensor.name.starts_with("model.layers.")) values += tensor.count();
  return {"copies of them in bfloat16", 2 * values};
}

std::vector<MemoryPart> scoring_plan(const ModelConfig& config, const ScoringSize& size) {
  const std::int64_t tokens = size.sequences * size.length;
  std::vector<MemoryPart> parts{
      weights_in_memory(config),
      {"activations", pass_bytes(config, tokens)},
      {"logits", value_bytes * std::min(tokens, logit_rows) * config.vocab_size},
      {"a matrix in the order of its product", product_bytes(config)},
      {"text", text_token_bytes * size.text_tokens},
  };
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
  std::vector<MemoryPart> parts{weights_in_memory(config)};
  if (make_layer_shape(config).is_causal()) {
    if (size.has_copies) parts.push_back(bfloat16_copies(config));
    const std::int64_t together = std::min(size.batch, static_cast<std::int64_t>(size.prompt_tokens.size()));
    parts.push_back({"keys and values", cache_bytes(config, size)});
    parts.push_back({"activations", pass_bytes(config, longest)});
    // As the model gives them, as they are drawn from, and the order of one text's tokens.
    parts.push_back({"logits", value_bytes * (2 * together + 1) * config.vocab_size});
  } else {
    parts.push_back({"activations", pass_bytes(config, longest + size.new_tokens)});
    parts.push_back({"logits", value_bytes * 3 * config.vocab_size});
  }
  parts.push_back({"texts", grown_token_bytes * tokens});
  return parts;
}

}  // namespace multipl_moe
