/// How much weight a model gives its shared expert, by layer and language, and over training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe::probe {

/// A model, or a checkpoint of a run.
struct BypassPoint {
  std::optional<std::int64_t> step;
  RoutingTrace routing;
};

struct BypassReport {
  std::int64_t expert = 0;  ///< index of the shared expert among the token experts
  std::vector<BypassPoint> points;

  /// Mean gate of the shared expert over the tokens of the language in a layer, before any fusion of levels.
  double gate(const BypassPoint& point, std::uint32_t layer, Language language) const;
  /// The mean over layers.
  double mean_gate(const BypassPoint& point, Language language) const;
};

/// The index of the shared expert, whose gate a router computes. Throws UsageError for a model without one: what
/// processes every token without such a gate is not bypassed by a router.
std::int64_t shared_expert_of(const ModelConfig& config);

/// A page in Markdown: the gate by language over training, and by layer and language at the end.
std::string bypass_page(const BypassReport& report, const std::string& model);
/// Lines of step,layer,language,mean_gate. The step is empty for a model that is no checkpoint of a run.
std::string bypass_csv(const BypassReport& report);
std::string bypass_json(const BypassReport& report);

}  // namespace multipl_moe::probe
