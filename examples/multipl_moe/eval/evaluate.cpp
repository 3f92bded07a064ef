#include "multipl_moe/eval/evaluate.hpp"

#include <algorithm>
#include <limits>
#include <numbers>
#include <vector>

namespace multipl_moe {

namespace {

LanguageScore score_text(const LanguageModel& model, const EvaluationText& text, Language language,
                         std::int64_t batch_sequences) {
  double loss = 0;
  std::int64_t hits = 0;
  for (std::int64_t first = 0; first < text.sequences; first += batch_sequences) {
    const std::int64_t count = std::min(batch_sequences, text.sequences - first);
    const auto begin = static_cast<std::size_t>(first * text.length),
               size = static_cast<std::size_t>(count * text.length);
    const std::vector<Language> languages(static_cast<std::size_t>(count), language);
    const TokenScores scores = model.score({count, text.length, std::span(text.tokens).subspan(begin, size),
                                            std::span(text.targets).subspan(begin, size), languages});
    for (const double nats : scores.losses) loss += nats;
    for (const std::uint8_t hit : scores.hits) hits += hit;
  }
  const auto tokens = static_cast<double>(text.targets.size());
  return {.loss = loss / tokens,
          .bits_per_byte = loss / std::numbers::ln2 / static_cast<double>(text.bytes),
          .accuracy = static_cast<double>(hits) / tokens,
          .tokens = static_cast<std::int64_t>(text.targets.size())};
}

}  // namespace

Evaluation evaluate(const LanguageModel& model, const LanguageFiles& files, const EvaluateOptions& options) {
  Evaluation evaluation;
  for (const Language language : all_languages) {
    const auto& file = files[index_of(language)];
    if (!file) continue;
    const EvaluationText text = evaluation_text(
        *file, options.length, {.bytes = options.max_bytes, .sequences = options.max_sequences}, *model.tokenizer());
    evaluation[index_of(language)] = score_text(model, text, language, options.sequences);
  }
  return evaluation;
}

double mean_bits_per_byte(const Evaluation& evaluation, Resource resource) {
  double sum = 0;
  int count = 0;
  for (const Language language : all_languages)
    if (const auto& score = evaluation[index_of(language)]; score && resource_of(language) == resource) {
      sum += score->bits_per_byte;
      ++count;
    }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace multipl_moe
