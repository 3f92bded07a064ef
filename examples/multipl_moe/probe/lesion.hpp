/// What a model loses without some of its experts: how often an expert is selected does not tell what it is used for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/eval/evaluate.hpp"
#include "multipl_moe/probe/expert_outputs.hpp"
#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe::probe {

/// Experts whose outputs are 0, while the routers select them as before.
struct Lesion {
  ExpertKind kind = ExpertKind::token;
  std::optional<ExpertPlace> expert;  ///< a single one; empty: all of the kind, in all layers
  std::vector<std::string> tensors;   ///< down projections
};

struct LesionScores {
  Lesion lesion;
  Evaluation scores;
};

struct LesionReport {
  bool is_causal = true;
  Evaluation intact;
  RoutingTrace routing;               ///< of the same text, in the intact model
  std::vector<LesionScores> lesions;  ///< the kinds first, then each expert

  /// Bits per byte that the lesion adds in the language.
  double cost(const LesionScores& lesion, Language language) const;
  /// Share of the rows that the expert processes; empty if the model's routers do not tell.
  std::optional<double> share(const ExpertPlace& expert, Language language) const;
  /// Spearman's correlation of the share and the cost of the selected experts; NaN if it has no value.
  double share_and_cost(Language language) const;
};

/// All experts of each kind, and then each expert in `layers` (empty: all; with `is_of_kinds` none). Throws UsageError
/// if the model has no experts, or a layer has none.
std::vector<Lesion> lesions_of(const ModelConfig& config, const std::vector<std::int64_t>& layers, bool is_of_kinds);

/// Bytes of the largest lesion's tensors, of which a copy is kept.
std::int64_t bytes_of_largest(const ModelConfig& config, const std::vector<Lesion>& lesions, ModelDtype dtype);

/// Scores the text with each lesion. The weights are afterwards those before. done(n) is called after the n-th scoring,
/// counted from 1, the intact model first. Throws as evaluate(); Failure if the weights are not in memory.
LesionReport measure_lesions(LanguageModel& model, const LanguageFiles& files, const EvaluateOptions& options,
                             std::vector<Lesion> lesions, const std::function<void(std::size_t)>& done);

}  // namespace multipl_moe::probe
