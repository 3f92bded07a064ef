/// config.json: a model in Hugging Face's field names, with an object `moe` of our own if the feed-forward networks are
/// a mixture of experts. Files of transformers' own classes are read too (transformers_family.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/rotation_config.hpp"

namespace multipl_moe {

/// How the feed-forward network of each layer is replaced.
struct MoeConfig {
  /// "multipl-moe" (or -literal, -released, -without-segments), "causal-multipl-moe", "gshard", "mixtral",
  /// "qwen1.5-moe", "lora" or "mole".
  std::string architecture = "multipl-moe";
  /// Router of a MultiPL-MoE's token level: "shared-top-k", or "top-k" without a shared expert.
  std::string router = "shared-top-k";
  /// Number of token-level experts, the shared expert included.
  std::int64_t num_token_experts = 6;
  /// Number of segment-level experts; 0 if the architecture has no segment level.
  std::int64_t num_segment_experts = 6;
  /// Token-level experts per token (top-k), the shared expert included.
  std::int64_t num_experts_per_tok = 2;
  /// Index of the shared expert, which is always selected, among the token-level experts; -1: none.
  std::int64_t shared_expert_index = 0;
  /// "fixed-window", or "boundary-window", in which a segment may end early.
  std::string segmenter = "fixed-window";
  /// Tokens in a segment; with boundary windows the maximum.
  std::int64_t segment_window = 64;
  /// With boundary windows, a segment of at least `segment_minimum_window` tokens ends after the boundary token (10: a
  /// newline of the byte tokenizer).
  std::int64_t segment_minimum_window = 16;
  std::int64_t segment_boundary_token = 10;
  /// Maximum number of experts per segment, in architectures that limit it.
  std::int64_t segment_expert_cap = 4;
  /// A segment expert selects floor(segments * factor / num_segment_experts) segments.
  double segment_capacity_factor = 1.0;
  /// "fixed": the weights 0.7 and 0.3 as they are; "normalized": divided by the sum of the weights that contribute to a
  /// token (NormalizedFusion); "scalar", "channel", "matrix": learned weights that start from these.
  std::string fusion = "fixed";
  double fusion_token_weight = 0.7;
  double fusion_segment_weight = 0.3;
  /// Experts in the balance loss: "all", or "routed" (without the shared expert).
  std::string balance = "all";
  /// Whether the balance loss counts the choices of the micro-batches of all processes that train together.
  bool global_balance = false;
  /// Decay of the moving averages of the thresholds that replace expert choice in decoding.
  double threshold_beta = 0.98;
  /// Inner width of an expert; 0: the model's intermediate_size.
  std::int64_t moe_intermediate_size = 0;
  /// Inner width of a sigmoid-gated shared expert beside the routed experts; 0: none.
  std::int64_t shared_expert_intermediate_size = 0;
  /// Qwen1.5-MoE: whether the gates of a token's selected experts are divided by their sum.
  bool norm_topk_prob = false;
  /// GShard, in training: capacity of an expert as a multiple of an even share of the choices; the overflow is dropped.
  /// 0: no limit.
  double expert_capacity_factor = 0;
  /// GShard, in training: whether a token's choices after the first are kept at random: "on" or "off".
  std::string random_choice = "off";
  /// LoRA: rank and alpha of the adapters, which are scaled by alpha / rank.
  std::int64_t lora_rank = 8;
  double lora_alpha = 16;
  /// MoLE: the languages that have their own adapter, in the order of the adapters.
  std::vector<std::string> languages{};
  /// MoLE: rank and alpha of a language's adapter and of the shared adapter. The adapter of other text has the sum of
  /// both ranks and the shared alpha. Adapters are scaled by alpha / sqrt(rank).
  std::int64_t language_rank = 16;
  double language_alpha = 16;
  std::int64_t shared_rank = 48;
  double shared_alpha = 32;

  /// Whether the dense feed-forward networks are kept and get adapters.
  bool is_adapted() const;

  bool operator==(const MoeConfig&) const = default;
};

inline constexpr std::string_view usual_activation = "silu";

/// The sizes of a model. Widths count elements; `moe` is empty for a dense model.
struct ModelConfig {
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_position_embeddings = 32768;
  /// Activation of a gated FFN: "silu", "gelu" or "gelu_pytorch_tanh".
  std::string hidden_act{usual_activation};
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  RotaryScaling rope_scaling{};
  /// Channels of a head; 0: hidden_size / num_attention_heads.
  std::int64_t attention_head_dim = 0;
  /// Whether queries and keys are normalized per head, as in Qwen3.
  bool qk_norm = false;
  /// Sliding window of each layer: the number of tokens that a token attends to, itself included; 0: all. Empty if no
  /// layer has a window.
  std::vector<std::int64_t> windows{};
  /// Whether the projections to queries, keys and values have biases, as in Qwen2 but not in Mixtral.
  bool attention_bias = true;
  /// Whether the output head shares the embedding's weight, which is then trained as one weight.
  bool tie_word_embeddings = false;
  /// Standard deviation of random initial weights.
  double initializer_range = 0.02;
  /// Training settings of other programs: attention dropout, and noise on the routers' inputs. Training here implements
  /// neither; the values are only kept in the files of the model.
  double attention_dropout = 0, router_jitter_noise = 0;
  std::optional<MoeConfig> moe;
  /// Layers of a mixture whose FFN is dense, in ascending order.
  std::vector<std::int64_t> dense_layers{};

  std::int64_t head_dim() const {
    return attention_head_dim > 0 ? attention_head_dim : hidden_size / num_attention_heads;
  }
  Rotation rotation() const { return {rope_theta, rope_scaling}; }
  std::int64_t window_of(std::int64_t layer) const {
    return windows.empty() ? 0 : windows[static_cast<std::size_t>(layer)];
  }
  bool is_dense_layer(std::int64_t layer) const {
    return !moe || std::binary_search(dense_layers.begin(), dense_layers.end(), layer);
  }
  /// The configuration of a model in which all layers are like this one.
  ModelConfig of_layer(std::int64_t layer) const;
  /// Maximum number of tokens in a text; dynamic RoPE scaling raises it above max_position_embeddings.
  std::int64_t longest_text() const {
    const bool grows = rope_scaling.type == RotaryScaling::Type::dynamic && rope_scaling.factor > 1;
    const auto positions = static_cast<double>(max_position_embeddings);
    return grows ? static_cast<std::int64_t>(positions * rope_scaling.factor) : max_position_embeddings;
  }
  /// Whether the micro-batches of all processes share one balance loss.
  bool has_global_balance() const { return moe && moe->global_balance; }
  /// "dense" or the name of the mixture.
  std::string_view architecture() const { return moe ? std::string_view(moe->architecture) : "dense"; }
  /// Inner width of one expert, or of the feed-forward network if there are no experts.
  std::int64_t expert_width() const {
    return moe && moe->moe_intermediate_size > 0 ? moe->moe_intermediate_size : intermediate_size;
  }

  bool operator==(const ModelConfig&) const = default;
};

/// Whether layers select adapters by the language of a token.
inline bool chooses_by_language(const ModelConfig& config) { return config.moe && !config.moe->languages.empty(); }

/// The first fault of `config`: field, rule and value; empty if it has none.
std::optional<std::string> fault_in(const ModelConfig& config);

/// A model's configuration, with facts about its file and the tensors beside it.
struct StoredConfig {
  ModelConfig model;
  /// Whether there are tensors of a shared expert of width 0, which computes nothing.
  bool has_empty_shared_expert = false;
  /// Fields that are read neither by this program nor by a transformers class for such models.
  std::vector<std::string> unknown_fields{};
  /// Settings of the mixture that have no effect and differ from the architecture's values: `segment_window = 8`.
  std::vector<std::string> idle_settings{};
};

/// Parses a config.json. Fields that would change the computation in an unsupported way (attention to later tokens, for
/// example) are refused, and so are unknown fields of its objects. Throws BadFile, which names the field, the rule and
/// the value.
StoredConfig parse_stored_config(std::string_view text, const std::filesystem::path& path);
/// The model of parse_stored_config(), as config.json describes it. If a head is stored that differs from the
/// embedding, the model is not tied in spite of tie_word_embeddings (see StoredModel).
ModelConfig parse_config(std::string_view text, const std::filesystem::path& path);
/// As parse_stored_config(), for the config.json of a model's folder, at most 1 MiB. Prints a warning that names the
/// unknown fields, and one for each of idle_settings. Throws also as read_model_file().
StoredConfig read_stored_config(const std::filesystem::path& folder);
/// The model of read_stored_config().
ModelConfig read_config_of(const std::filesystem::path& folder);
/// As read_config_of(), for a file that the user names, at most 1 MiB.
ModelConfig read_config(const std::filesystem::path& path);
/// Throws BadFile if the model of the file or folder `path` has dropout or router noise, which training does not
/// support.
void require_trainable(const ModelConfig& config, const std::filesystem::path& path);

/// The text of config.json. `torch_dtype` is the dtype of the stored weights: "float32", "bfloat16" or "float16".
std::string to_json_text(const ModelConfig& config, std::string_view torch_dtype = "float32");
/// Throws Failure if fault_in() finds a fault; IoError.
void write_config(const std::filesystem::path& path, const ModelConfig& config,
                  std::string_view torch_dtype = "float32");

/// The safetensors dtype of a torch_dtype: "BF16" for "bfloat16". Throws UsageError, which lists the names, for others.
std::string_view dtype_of_torch(std::string_view torch_dtype);

/// The sizes of a dense model: "qwen1.5-1.8b" as published, "demo", and "tiny", the smallest. Throws UsageError, which
/// lists the names, for any other name.
ModelConfig size_named(std::string_view name);

/// A mixture as published: "multipl-moe" (6 + 6 experts, top-2 with a shared expert, windows of 64),
/// "causal-multipl-moe" (the same sizes; normalized fusion, balance over routed experts), "multipl-moe-literal"
/// (segment experts receive means), "multipl-moe-released" (max pooling, at most 4 experts per segment),
/// "multipl-moe-without-segments" (an ablation), "gshard" (12 experts, top-3, in training with a capacity and random
/// further choices), "mixtral" (8, top-2), "qwen1.5-moe" (60, top-4, with a sigmoid-gated shared expert); "lora"
/// (adapters of rank 8 on every linear layer), "mole" (adapters by language on the feed-forward networks). No value for
/// "dense". `intermediate_size` is that of the dense model and determines Qwen1.5-MoE's widths: an expert has a quarter
/// of it, rounded up to a multiple of 128, and the shared expert four times an expert's width. Throws UsageError, which
/// lists the names, for any other name.
std::optional<MoeConfig> mixture_named(std::string_view architecture, std::int64_t intermediate_size = 5504);
/// Number of shards that a dense FFN is split into for Qwen1.5-MoE's experts.
inline constexpr std::int64_t fine_grained_shards = 4;
/// The names that mixture_named() accepts, except "dense".
std::vector<std::string> mixture_names();

}  // namespace multipl_moe
