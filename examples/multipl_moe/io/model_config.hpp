/// config.json: a model in Hugging Face's field names, and an object `moe` of our own where the feed-forward networks
/// are a mixture of experts. Files of transformers' own classes are read too (transformers_family.hpp).
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

/// How the feed-forward networks of every layer are replaced.
struct MoeConfig {
  /// "multipl-moe" (or -literal, -released, -without-segments), "causal-multipl-moe", "gshard", "mixtral",
  /// "qwen1.5-moe", "lora" or "mole".
  std::string architecture = "multipl-moe";
  /// Of a MultiPL-MoE's token level: "shared-top-k", or "top-k" where no expert is shared.
  std::string router = "shared-top-k";
  /// Experts chosen token by token; the shared expert is one of them.
  std::int64_t num_token_experts = 6;
  /// Experts chosen segment by segment; 0 where the architecture has no segment level.
  std::int64_t num_segment_experts = 6;
  /// Token experts that a token visits, the shared one included.
  std::int64_t num_experts_per_tok = 2;
  /// Index among the token experts of the one that is always chosen; -1 is none.
  std::int64_t shared_expert_index = 0;
  /// "fixed-window", or "boundary-window" where a segment may end early.
  std::string segmenter = "fixed-window";
  /// Tokens in a segment; in a boundary window at most.
  std::int64_t segment_window = 64;
  /// Tokens from which on a boundary window ends after the boundary token (10: a newline of the byte tokenizer).
  std::int64_t segment_minimum_window = 16;
  std::int64_t segment_boundary_token = 10;
  /// Experts that may share a segment, where the architecture limits them.
  std::int64_t segment_expert_cap = 4;
  /// A segment expert takes floor(segments * factor / num_segment_experts) segments.
  double segment_capacity_factor = 1.0;
  /// "fixed": weights 0.7 and 0.3 as they are; "normalized": divided by the weight that acted; "scalar", "channel",
  /// "matrix": learned from there.
  std::string fusion = "fixed";
  double fusion_token_weight = 0.7;
  double fusion_segment_weight = 0.3;
  /// Experts that the balance loss counts: "all", or "routed" (without the shared one).
  std::string balance = "all";
  /// Decay of the thresholds that stand for expert choice when decoding.
  double threshold_beta = 0.98;
  /// Inner width of an expert; 0 takes the model's intermediate_size.
  std::int64_t moe_intermediate_size = 0;
  /// Inner width of a sigmoid-gated network beside the experts; 0 is none.
  std::int64_t shared_expert_intermediate_size = 0;
  /// Whether a Qwen1.5-MoE divides the gates of the experts that a token visits by their sum.
  bool norm_topk_prob = false;
  /// Of a GShard's experts, in training: an expert takes at most this multiple of an even share of the choices, and
  /// drops the rest; 0: no limit.
  double expert_capacity_factor = 0;
  /// Whether a GShard keeps a token's further choices by chance in training: "on" or "off".
  std::string random_choice = "off";
  /// Of a LoRA's adapters: rank, and alpha, which scales them by alpha / rank.
  std::int64_t lora_rank = 8;
  double lora_alpha = 16;
  /// Those that have an adapter of their own in a MoLE, in the order of the adapters.
  std::vector<std::string> languages{};
  /// Of a MoLE's adapters: a language's and the shared one's; the other one's rank is the sum, its alpha the shared
  /// one's. They scale by alpha / sqrt(rank).
  std::int64_t language_rank = 16;
  double language_alpha = 16;
  std::int64_t shared_rank = 48;
  double shared_alpha = 32;

  /// Whether the feed-forward networks stay and get adapters.
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
  /// What stands between a gated FFN's products: "silu", "gelu" or "gelu_pytorch_tanh".
  std::string hidden_act{usual_activation};
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  RotaryScaling rope_scaling{};
  /// Channels of a head; 0: hidden_size / num_attention_heads.
  std::int64_t attention_head_dim = 0;
  /// Whether queries and keys are normalized head by head, as Qwen3's are.
  bool qk_norm = false;
  /// For each layer the tokens that a token attends to, itself and those before it, or 0: all. Empty where no layer has
  /// a window.
  std::vector<std::int64_t> windows{};
  /// Whether the projections to queries, keys and values have biases: Qwen's have, Mixtral's have not.
  bool attention_bias = true;
  /// Whether the head's weight is the embedding's: one weight, which trains as one.
  bool tie_word_embeddings = false;
  /// Deviation of random first weights.
  double initializer_range = 0.02;
  /// What other programs do in training alone: parts of the attention left out, and noise on the routers' inputs. No
  /// training of ours has them; they stay in the files of the model.
  double attention_dropout = 0, router_jitter_noise = 0;
  std::optional<MoeConfig> moe;
  /// Layers, in order, whose FFN is dense beside those of the mixture.
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
  /// As a model has it of which all layers are like this one.
  ModelConfig of_layer(std::int64_t layer) const;
  /// Tokens of the longest text: rotations that stretch with the text go beyond max_position_embeddings.
  std::int64_t longest_text() const {
    const bool grows = rope_scaling.type == RotaryScaling::Type::dynamic && rope_scaling.factor > 1;
    const auto positions = static_cast<double>(max_position_embeddings);
    return grows ? static_cast<std::int64_t>(positions * rope_scaling.factor) : max_position_embeddings;
  }
  /// "dense" or the name of the mixture.
  std::string_view architecture() const { return moe ? std::string_view(moe->architecture) : "dense"; }
  /// Inner width of one expert; of the feed-forward network where there are none.
  std::int64_t expert_width() const {
    return moe && moe->moe_intermediate_size > 0 ? moe->moe_intermediate_size : intermediate_size;
  }

  bool operator==(const ModelConfig&) const = default;
};

/// Whether layers choose by the language of a token.
inline bool chooses_by_language(const ModelConfig& config) { return config.moe && !config.moe->languages.empty(); }

/// What is wrong with `config`: field, rule and value; empty where nothing is.
std::optional<std::string> fault_in(const ModelConfig& config);

/// A model's configuration with what it says of the files beside it.
struct StoredConfig {
  ModelConfig model;
  /// There are tensors of a shared expert of width 0, which computes nothing.
  bool has_empty_shared_expert = false;
  /// Fields that neither this program reads nor a class of transformers for such models.
  std::vector<std::string> unknown_fields{};
  /// Settings of the mixture that decide nothing in it and are not as the architecture has them: `segment_window = 8`.
  std::vector<std::string> idle_settings{};
};

/// Fields that would change the computation in a way we do not have (attention to later tokens, say) are refused, and
/// so are unknown ones of the objects in it. Throws BadFile that names the field, the rule and the value.
StoredConfig parse_stored_config(std::string_view text, const std::filesystem::path& path);
/// The model of parse_stored_config(), as config.json has it: where a head is stored that is not the embedding, the
/// model is not tied, whatever it says (StoredModel).
ModelConfig parse_config(std::string_view text, const std::filesystem::path& path);
/// As parse_stored_config(), of the config.json of a model's folder, at most 1 MiB; one notice names fields that
/// nothing reads, and one each of idle_settings. Throws as read_model_file().
StoredConfig read_stored_config(const std::filesystem::path& folder);
/// The model of read_stored_config().
ModelConfig read_config_of(const std::filesystem::path& folder);
/// As read_config_of(), of a file that a user names, at most 1 MiB.
ModelConfig read_config(const std::filesystem::path& path);
/// Throws BadFile where training would leave out what the model of the file or folder `path` asks for: dropout, noise.
void require_trainable(const ModelConfig& config, const std::filesystem::path& path);

/// `torch_dtype` is what the weights beside it are stored in: "float32", "bfloat16" or "float16".
std::string to_json_text(const ModelConfig& config, std::string_view torch_dtype = "float32");
/// Throws Failure where fault_in() finds one, IoError.
void write_config(const std::filesystem::path& path, const ModelConfig& config,
                  std::string_view torch_dtype = "float32");

/// The safetensors dtype of a torch_dtype, "BF16" of "bfloat16". Throws UsageError that lists the names.
std::string_view dtype_of_torch(std::string_view torch_dtype);

/// A dense model's sizes: "qwen1.5-1.8b" as published, "demo", and "tiny", which has everything in the smallest size.
/// Throws UsageError that lists the names.
ModelConfig size_named(std::string_view name);

/// A mixture as published: "multipl-moe" (6 + 6 experts, top-2 with a shared one, windows of 64),
/// "causal-multipl-moe" (the same sizes; normalized fusion, balance over routed experts), "multipl-moe-literal"
/// (segment experts fed with means), "multipl-moe-released" (max pooling, at most 4 experts a segment),
/// "multipl-moe-without-segments" (an ablation),
/// "gshard" (12, top-3, in training with limited room and further choices by chance), "mixtral" (8, top-2),
/// "qwen1.5-moe" (60, top-4, beside a gated network); "lora" (adapters of rank 8 on every linear layer), "mole"
/// (adapters by language on the feed-forward networks); "dense" is none. `intermediate_size` is the dense model's, from
/// which Qwen1.5-MoE's widths follow: an expert has a quarter of it, made up to a multiple of 128, the shared expert
/// four times as much. Throws UsageError that lists the names.
std::optional<MoeConfig> mixture_named(std::string_view architecture, std::int64_t intermediate_size = 5504);
/// Parts that a dense network is cut into for Qwen1.5-MoE's experts.
inline constexpr std::int64_t fine_grained_shards = 4;
/// The names that mixture_named() knows, but for "dense".
std::vector<std::string> mixture_names();

}  // namespace multipl_moe
