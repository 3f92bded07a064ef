#include "multipl_moe/report/routing_trace.hpp"

#include <algorithm>
#include <vector>

#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

RoutingTally tally_of(LanguageModel& model, const EvaluationText& text, Language language,
                      const TraceOptions& options) {
  RoutingTally tally{.fixed_token_experts = fixed_token_experts(model.config())};
  const Observed observed(model, [&](const moe::Observation& seen) { tally.add(seen, text.length); });
  const std::int64_t wanted =
      options.tokens > 0 ? std::max<std::int64_t>(1, options.tokens / text.length) : text.sequences;
  const std::int64_t sequences = std::min(wanted, text.sequences);
  for (std::int64_t first = 0; first < sequences; first += options.sequences) {
    const std::int64_t count = std::min(options.sequences, sequences - first);
    const auto begin = static_cast<std::size_t>(first * text.length),
               size = static_cast<std::size_t>(count * text.length);
    const std::vector<Language> languages(static_cast<std::size_t>(count), language);
    model.score({count, text.length, std::span(text.tokens).subspan(begin, size),
                 std::span(text.targets).subspan(begin, size), languages});
  }
  return tally;
}

}  // namespace

RoutingTrace trace_routing(LanguageModel& model, const LanguageFiles& files, const TraceOptions& options) {
  if (!model.config().moe)
    throw UsageError("[trace] the model must have routers, found a dense model; upcycle makes a mixture of it");
  RoutingTrace trace;
  for (const Language language : all_languages) {
    const auto& file = files[index_of(language)];
    if (!file) continue;
    const EvaluationText text = evaluation_text(*file, options.length, {}, *model.tokenizer());
    trace[index_of(language)] = tally_of(model, text, language, options);
  }
  return trace;
}

}  // namespace multipl_moe
