#include "multipl_moe/eval/causality.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Sequences of a pass, and their length: a text cannot be compared with itself alone.
CausalityOptions pass_of(const CausalityOptions& options) {
  return options.sequences >= 2 ? options : CausalityOptions{2, options.length / 2};
}

/// Tokens of a segment, or of a quarter of the text for a model without segments.
std::int64_t window_of(const ModelConfig& config, std::int64_t length) {
  const bool has_segments = config.moe && config.moe->num_segment_experts > 0;
  return std::max<std::int64_t>(1, has_segments ? config.moe->segment_window : length / 4);
}

/// The text, then a variant for each cut, each of `length` tokens, with the text's targets in all of them.
TokenScores scores_of(const LanguageModel& model, const SuffixText& text, std::span<const std::int64_t> cuts,
                      std::int64_t length) {
  const auto size = static_cast<std::size_t>(length);
  std::vector<Token> tokens, targets;
  for (std::size_t variant = 0; variant <= cuts.size(); ++variant) {
    tokens.insert(tokens.end(), text.tokens.begin(), text.tokens.begin() + length);
    targets.insert(targets.end(), text.targets.begin(), text.targets.begin() + length);
    if (variant > 0)
      replace_tokens(std::span(tokens).last(size), cuts[variant - 1], length, model.tokenizer()->vocab_size());
  }
  std::vector<Language> languages;
  for (std::size_t variant = 0; variant <= cuts.size(); ++variant)
    languages.insert(languages.end(), text.languages.begin(), text.languages.end());
  return model.score({std::ssize(cuts) + 1, length, tokens, targets, languages});
}

}  // namespace

double prediction_tolerance(ModelDtype dtype) { return dtype == ModelDtype::float32 ? 1e-4 : 0.05; }

std::vector<SuffixText> suffix_texts(const LanguageFiles& files, const CausalityOptions& options,
                                     const Tokenizer& tokenizer) {
  std::vector<SuffixText> texts;
  for (const Language language : all_languages) {
    const auto& file = files[index_of(language)];
    if (!file) continue;
    EvaluationText text = evaluation_text(*file, options.length, {.sequences = 1}, tokenizer);
    texts.push_back(
        {std::string(title_of(language)), std::move(text.tokens), std::move(text.targets), std::vector{language}});
  }
  return texts;
}

Causality measure_causality(const LanguageModel& model, std::span<const SuffixText> texts,
                            const CausalityOptions& options) {
  Causality result{.is_by_design = model.is_causal(), .changes = {}, .text = {}};
  if (texts.empty()) return result;
  const CausalityOptions pass = pass_of(options);
  const double tolerance = prediction_tolerance(model.dtype());
  std::vector<std::int64_t> cuts = suffix_cuts(pass.length, window_of(model.config(), pass.length));
  const auto in_a_pass = static_cast<std::size_t>(pass.sequences - 1);
  for (std::size_t first = 0, number = 0; first < cuts.size(); first += in_a_pass, ++number) {
    const SuffixText& text = texts[number % texts.size()];
    const std::int64_t length = std::min(pass.length, std::ssize(text.tokens));
    std::vector<std::int64_t> own(cuts.begin() + static_cast<std::ptrdiff_t>(first),
                                  cuts.begin() + static_cast<std::ptrdiff_t>(std::min(first + in_a_pass, cuts.size())));
    std::erase_if(own, [length](std::int64_t cut) { return cut >= length; });
    if (own.empty()) continue;
    const TokenScores scores = scores_of(model, text, own, length);
    const std::span<const double> losses = scores.losses;
    const auto size = static_cast<std::size_t>(length);
    for (std::size_t variant = 0; variant < own.size(); ++variant)
      if (result.changes.add(losses.first(size), losses.subspan((variant + 1) * size, size), own[variant], tolerance))
        result.text = text.name;
  }
  return result;
}

void require_causality(const std::string& command, const Causality& causality) {
  const PredictionChanges& changes = causality.changes;
  if (!causality.is_by_design || changes.changed == 0) return;
  throw Failure(fmt::format(
      "[{}] predictions of a causal model must not depend on later tokens, found {} of {} that changed when only later "
      "tokens were replaced: in text of {} that after token {} by {:.3g} nats, with other tokens from number {} on. "
      "Its "
      "scores would count what it has seen. If MOE_CPU=baseline or another --dtype gives no such error, a kernel of "
      "this machine is wrong, otherwise a layer; please report it with the model's config.json",
      command, changes.changed, changes.compared, causality.text, changes.position, changes.largest, changes.cut));
}

std::string look_ahead_text(const Causality& causality) {
  if (causality.is_by_design) return "";
  const PredictionChanges& changes = causality.changes;
  return fmt::format("not scores of a language model: the routing depends on later tokens{}",
                     changes.compared == 0
                         ? std::string(", which a single token does not show")
                         : fmt::format(", and {:.1f} % of {} predictions changed when only later tokens were replaced",
                                       100 * changes.share(), changes.compared));
}

}  // namespace multipl_moe
