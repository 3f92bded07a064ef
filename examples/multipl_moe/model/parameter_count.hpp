/// How many parameters a configuration has, without allocating one.
#pragma once

#include <cstdint>
#include <vector>

#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Counts of values. An expert that k of n alike meet counts k/n toward `active`; a segment expert counts by the
/// capacity factor, the mean number of segment experts a token meets. Of a MoLE's adapters a token of code meets its
/// language's and the shared one.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;
  std::int64_t trainable = 0;
  /// The learned vectors that route first segments: not part of the three above, since the paper's routing has none.
  std::int64_t first_segments = 0;
  /// Zeros that fill adapters of a lower rank up to the highest: stored, but not part of the three above.
  std::int64_t filling = 0;
  /// Thresholds and their counters.
  std::int64_t buffers = 0;
  std::int64_t embedding = 0;  ///< with the head; once where both are one weight
  std::int64_t attention = 0;
  std::int64_t experts = 0;  ///< or the dense FFN
  std::int64_t adapters = 0;
  std::int64_t routers = 0;
  std::int64_t fusions = 0;  ///< learned ones
  std::int64_t norms = 0;
};

ParameterCount parameter_count_of(const ModelConfig& config);

}  // namespace multipl_moe
