/// How a model routes held-out text, language by language.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/routing_tally.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct TraceOptions {
  std::int64_t sequences = 4;   ///< in a batch: it matters for models whose experts choose across the batch
  std::int64_t length = 256;    ///< T
  std::int64_t tokens = 65536;  ///< of each language, rounded down to whole sequences but one at least; 0 is all
};

/// By language; empty where there is no text.
using RoutingTrace = std::array<std::optional<RoutingTally>, language_count>;

/// Scores the first sequences of each language's file with the inference routers and counts their choices.
/// Ends whatever observed `model` before. Throws UsageError where the model has no routers, BadFile where a file does
/// not hold one sequence.
RoutingTrace trace_routing(LanguageModel& model, const LanguageFiles& files, const TraceOptions& options);

}  // namespace multipl_moe
