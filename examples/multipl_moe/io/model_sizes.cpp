#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

namespace {

/// Limits far above any model, and low enough that no product of two sizes overflows.
constexpr std::int64_t widest = std::int64_t{1} << 24;
constexpr std::int64_t most_layers = 10'000;
constexpr std::int64_t most_heads = 65'536;
constexpr std::int64_t most_head_channels = 65'536;
constexpr std::int64_t most_positions = std::int64_t{1} << 31;
/// Limits of all sizes together: a few hundred bytes of JSON must not describe more parameters than integers can count,
/// nor more tensors than 64 MB can hold the names of.
constexpr double most_parameters = 1.8e13;
constexpr std::int64_t most_experts_in_all = 100'000;

using Fault = std::optional<std::string>;

struct IntegerRule {
  const char* name;
  std::int64_t value;
  std::int64_t least;
  std::int64_t most;
};

struct NumberRule {
  const char* name;
  double value;
  double least;
  double most;
};

/// NaN is out of every range.
template <class Rule>
Fault first_broken(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules)
    if (!(rule.value >= rule.least && rule.value <= rule.most))
      return fmt::format("{} must be {} to {}, found {}", rule.name, rule.least, rule.most, rule.value);
  return std::nullopt;
}

Fault divides(const char* divisor_name, std::int64_t divisor, const char* name, std::int64_t value) {
  if (value % divisor == 0) return std::nullopt;
  return fmt::format("{} must divide {}, found {} and {}", divisor_name, name, divisor, value);
}

Fault fault_in_rotation(const ModelConfig& config) {
  using Type = RotaryScaling::Type;
  if (config.head_dim() % 2 != 0)
    return fmt::format("{} must be even, found {}",
                       config.attention_head_dim > 0 ? "head_dim" : "hidden_size / num_attention_heads",
                       config.head_dim());
  if (config.rope_scaling.type == Type::dynamic && config.head_dim() < 4)
    return fmt::format("head_dim must be at least 4 with a rotation of type dynamic, found {}", config.head_dim());
  if (config.rope_scaling.type == Type::yarn && config.rope_theta <= 1)
    return fmt::format("rope_theta must be above 1 with a rotation of type yarn, found {}", config.rope_theta);
  return fault_in(config.rope_scaling);
}

/// All layers with a window must have the same width, because config.json has only one.
Fault fault_in_windows(const ModelConfig& config) {
  if (config.windows.empty()) return std::nullopt;
  if (std::ssize(config.windows) != config.num_hidden_layers)
    return fmt::format("layer_types must be {}, found {}", counted(config.num_hidden_layers, "layers"),
                       config.windows.size());
  const std::int64_t width = *std::max_element(config.windows.begin(), config.windows.end());
  if (auto fault = first_broken<IntegerRule>({{"sliding_window", width, 1, most_positions}})) return fault;
  for (const std::int64_t window : config.windows)
    if (window != 0 && window != width)
      return fmt::format("sliding_window must be the same in all layers, found {} and {}", width, window);
  return std::nullopt;
}

Fault fault_in_mixture(const MoeConfig& moe) {
  const Architecture* const architecture = find_architecture(moe.architecture);
  if (architecture == nullptr)
    return fmt::format("moe.architecture must be \"{}\", found \"{}\"", fmt::join(mixture_names(), "\" or \""),
                       escaped(moe.architecture));
  if (auto fault = fault_in_settings(moe)) return fault;
  return architecture->fault(moe);
}

Fault fault_in_activation(const ModelConfig& config) {
  constexpr std::array<std::string_view, 3> known{usual_activation, "gelu", "gelu_pytorch_tanh"};
  if (std::find(known.begin(), known.end(), config.hidden_act) == known.end())
    return fmt::format("hidden_act must be \"{}\", found \"{}\"", fmt::join(known, "\" or \""),
                       escaped(config.hidden_act));
  if (config.hidden_act != usual_activation && config.moe &&
      !architecture_named(config.moe->architecture).has_any_activation)
    return fmt::format("hidden_act must be \"{}\" in a {}, found \"{}\"", usual_activation, config.architecture(),
                       config.hidden_act);
  return std::nullopt;
}

Fault fault_in_dense_layers(const ModelConfig& config) {
  if (config.dense_layers.empty()) return std::nullopt;
  if (!config.moe || config.moe->is_adapted())
    return fmt::format("dense_layers must be empty in a {}, found {}", config.architecture(),
                       config.dense_layers.size());
  std::int64_t before = -1;
  for (const std::int64_t layer : config.dense_layers) {
    if (layer <= before || layer >= config.num_hidden_layers)
      return fmt::format("dense_layers must be layers 0 to {} in ascending order, found {}",
                         config.num_hidden_layers - 1, layer);
    before = layer;
  }
  if (std::ssize(config.dense_layers) == config.num_hidden_layers)
    return "dense_layers must leave a layer with experts, found all of them";
  return std::nullopt;
}

/// Upper bound of the number of parameters in all matrices; in double to avoid overflow.
double parameters_at_most(const ModelConfig& config) {
  const auto width = static_cast<double>(config.hidden_size), inner = static_cast<double>(config.intermediate_size);
  const double q_width = static_cast<double>(config.num_attention_heads) * static_cast<double>(config.head_dim());
  double layer = 4 * width * q_width;
  if (!config.moe || config.moe->is_adapted()) layer += 3 * width * inner;
  if (config.moe && config.moe->is_adapted())
    layer += architecture_named(config.moe->architecture).adapter_values(config);
  if (config.moe && !config.moe->is_adapted()) {
    const auto experts = static_cast<double>(config.moe->num_token_experts + config.moe->num_segment_experts);
    layer += experts * (3 * width * static_cast<double>(config.expert_width()) + width);
    layer += 3 * width * static_cast<double>(config.moe->shared_expert_intermediate_size);
    if (config.moe->fusion == "matrix") layer += 2 * width * width;
  }
  layer += config.dense_layers.empty() ? 0 : 3 * width * inner;
  return 2 * static_cast<double>(config.vocab_size) * width + static_cast<double>(config.num_hidden_layers) * layer;
}

/// Checks sizes that are each in range but may be too large together.
Fault fault_in_the_whole(const ModelConfig& config) {
  if (config.moe && !config.moe->is_adapted()) {
    const std::int64_t experts = config.moe->num_token_experts + config.moe->num_segment_experts;
    if (experts * config.num_hidden_layers > most_experts_in_all)
      return fmt::format("num_hidden_layers and experts must give at most {} experts, found {} layers of {}",
                         most_experts_in_all, config.num_hidden_layers, experts);
  }
  if (const double parameters = parameters_at_most(config); parameters > most_parameters)
    return fmt::format("hidden_size and the other sizes must give at most {:.1e} parameters, found {:.1e}",
                       most_parameters, parameters);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_in(const ModelConfig& config) {
  if (auto fault =
          first_broken<IntegerRule>({{"hidden_size", config.hidden_size, 1, widest},
                                     {"intermediate_size", config.intermediate_size, 1, widest},
                                     {"num_hidden_layers", config.num_hidden_layers, 1, most_layers},
                                     {"num_attention_heads", config.num_attention_heads, 1, most_heads},
                                     {"num_key_value_heads", config.num_key_value_heads, 1, most_heads},
                                     {"vocab_size", config.vocab_size, 1, widest},
                                     {"max_position_embeddings", config.max_position_embeddings, 1, most_positions}}))
    return fault;
  if (auto fault = first_broken<NumberRule>({{"rms_norm_eps", config.rms_norm_eps, 0.0, 1.0},
                                             {"rope_theta", config.rope_theta, 1.0, 1e12},
                                             {"initializer_range", config.initializer_range, 0.0, 1e3},
                                             {"attention_dropout", config.attention_dropout, 0.0, 1.0},
                                             {"router_jitter_noise", config.router_jitter_noise, 0.0, 1e3}}))
    return fault;
  if (auto fault = first_broken<IntegerRule>({{"head_dim", config.attention_head_dim, 0, most_head_channels}}))
    return fault;
  if (config.attention_head_dim == 0)
    if (auto fault = divides("num_attention_heads", config.num_attention_heads, "hidden_size", config.hidden_size))
      return fault;
  if (auto fault =
          divides("num_key_value_heads", config.num_key_value_heads, "num_attention_heads", config.num_attention_heads))
    return fault;
  if (auto fault = fault_in_rotation(config)) return fault;
  if (auto fault = fault_in_windows(config)) return fault;
  if (config.moe)
    if (auto fault = fault_in_mixture(*config.moe)) return fault;
  if (auto fault = fault_in_dense_layers(config)) return fault;
  if (auto fault = fault_in_activation(config)) return fault;
  return fault_in_the_whole(config);
}

ModelConfig size_named(std::string_view name) {
  ModelConfig config;
  config.rms_norm_eps = 1e-6;
  config.rope_theta = 1e6;
  if (name == "qwen1.5-1.8b") {
    config.hidden_size = 2048;
    config.intermediate_size = 5504;
    config.num_hidden_layers = 24;
    config.num_attention_heads = 16;
    config.num_key_value_heads = 16;
    config.vocab_size = 151936;
    config.max_position_embeddings = 32768;
  } else if (name == "demo") {
    config.hidden_size = 128;
    config.intermediate_size = 344;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 4;
    config.num_key_value_heads = 4;
    config.vocab_size = 257;  // the byte tokenizer's
    config.max_position_embeddings = 4096;
  } else if (name == "tiny") {
    config.hidden_size = 64;
    config.intermediate_size = 176;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 4;
    config.num_key_value_heads = 2;
    config.vocab_size = 1024;
    config.max_position_embeddings = 2048;
  } else {
    throw UsageError(fmt::format("[--size] must be one of qwen1.5-1.8b, demo, tiny, found '{}'", escaped(name)));
  }
  return config;
}

}  // namespace multipl_moe
