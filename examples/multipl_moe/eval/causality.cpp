#include "multipl_moe/eval/causality.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t texts_of_check = 2;

/// Tokens of a segment; of a model without segments a length that makes cuts of all kinds.
std::int64_t window_of(const ModelConfig& config, std::int64_t length) {
  const bool has_segments = config.moe && config.moe->num_segment_experts > 0;
  return has_segments ? config.moe->segment_window : std::clamp<std::int64_t>(length / 4, 1, 64);
}

/// The text with a variant for every cut, in as many tokens as a batch of `options` has; fewer variants in several
/// passes if the sequences would be shorter than two segments.
CausalityOptions pass_of(const CausalityOptions& options, std::int64_t window) {
  constexpr std::int64_t most = 7;
  const std::int64_t rows = options.sequences * options.length;
  const std::int64_t needed = std::min(options.length, 2 * window);
  const std::int64_t sequences = std::clamp<std::int64_t>(rows / needed, 2, most);
  return {sequences, std::min(options.length, rows / sequences)};
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
  const std::int64_t window = window_of(model.config(), options.length);
  const CausalityOptions pass = pass_of(options, window);
  const double tolerance = prediction_tolerance(model.dtype());
  const auto in_a_pass = static_cast<std::size_t>(pass.sequences - 1);
  for (const SuffixText& text : texts.first(std::min(texts.size(), texts_of_check))) {
    const std::int64_t length = std::min(pass.length, std::ssize(text.tokens));
    const std::vector<std::int64_t> cuts = suffix_cuts(length, window);
    const auto size = static_cast<std::size_t>(length);
    for (std::size_t first = 0; first < cuts.size(); first += in_a_pass) {
      const auto own = std::span(cuts).subspan(first, std::min(in_a_pass, cuts.size() - first));
      const TokenScores scores = scores_of(model, text, own, length);
      const std::span<const double> losses = scores.losses;
      for (std::size_t variant = 0; variant < own.size(); ++variant)
        if (result.changes.add(losses.first(size), losses.subspan((variant + 1) * size, size), own[variant], tolerance))
          result.text = text.name;
    }
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
