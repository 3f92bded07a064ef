/// Routing of held-out text by a model, by language.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/routing_tally.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct TraceOptions {
  std::int64_t sequences = 4;   ///< sequences per batch: affects models whose experts choose across the batch
  std::int64_t length = 256;    ///< tokens per sequence, T
  std::int64_t tokens = 65536;  ///< tokens per language, rounded down to whole sequences, at least one; 0: all
};

/// Tallies by language; empty for languages without text.
using RoutingTrace = std::array<std::optional<RoutingTally>, language_count>;

/// Scores the first sequences of each language's file with the inference routers and counts the experts that they
/// select. Throws UsageError if the model has no routers, BadFile if a file holds less than one sequence.
RoutingTrace trace_routing(LanguageModel& model, const LanguageFiles& files, const TraceOptions& options);

}  // namespace multipl_moe
