/// Counts the parameters of a configuration without allocating them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Numbers of values. If each token selects k of n experts, each of them counts k/n toward `active`. Segment experts
/// count by the capacity factor, which is the mean number of segment experts per token. A MoLE counts the adapters of a
/// code token: its language's and the shared one.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;
  std::int64_t trainable = 0;
  /// Learned vectors that route first segments: not included in the three above, since the paper's routing has none.
  std::int64_t first_segments = 0;
  /// Zeros that pad adapters of a lower rank to the highest rank: stored, but not included in the three above.
  std::int64_t filling = 0;
  /// Thresholds and their counters.
  std::int64_t buffers = 0;
  std::int64_t embedding = 0;  ///< with the head; counted once if tied
  std::int64_t attention = 0;
  std::int64_t experts = 0;  ///< or of the dense FFN
  std::int64_t adapters = 0;
  std::int64_t routers = 0;
  std::int64_t fusions = 0;  ///< learned fusions
  std::int64_t norms = 0;
};

/// The number after `before` in a weight's name, such as ".experts.".
std::int64_t number_in_name(std::string_view before, const std::string& name);
/// The share of tokens that an expert or adapter processes, on average, by the name of one of its weights; 1 for other
/// weights. Counted as in ParameterCount::active.
double share_of_tokens(const std::string& name, const ModelConfig& config);

ParameterCount parameter_count_of(const ModelConfig& config);

/// Values of the matrices that a token is multiplied with, on average, counted as in ParameterCount::active.
struct MatrixValues {
  double in_layers = 0, in_head = 0;
  double trainable = 0;  ///< of these, the ones whose weight `trains` selects
};
MatrixValues matrix_values_of_token(const ModelConfig& config, const std::function<bool(std::string_view)>& trains);

}  // namespace multipl_moe
