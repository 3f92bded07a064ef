#include "multipl_moe/report/routed_text.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "multipl_moe/eval/observed.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t most_runners_up = 2;

/// The softmax over the row's logits; 0 everywhere without logits.
std::vector<double> probabilities_of(const moe::Observation& seen, std::size_t row) {
  const auto experts = static_cast<std::size_t>(seen.experts);
  std::vector<double> p(experts);
  if (seen.logits.empty()) return p;
  const double* const logits = seen.logits.data() + row * experts;
  const double highest = *std::max_element(logits, logits + experts);
  for (std::size_t e = 0; e < experts; ++e) p[e] = std::exp(logits[e] - highest);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<RoutedChoice> choices_of(const moe::Observation& seen, std::size_t row) {
  const auto experts = static_cast<std::size_t>(seen.experts);
  const std::vector<double> p = probabilities_of(seen, row);
  const auto pair = [&](std::size_t e) { return row * experts + e; };
  std::vector<std::size_t> selected, others;
  for (std::size_t e = 0; e < experts; ++e) (seen.chosen[pair(e)] != 0 ? selected : others).push_back(e);
  std::stable_sort(selected.begin(), selected.end(),
                   [&](std::size_t a, std::size_t b) { return seen.chosen[pair(a)] < seen.chosen[pair(b)]; });
  std::stable_sort(others.begin(), others.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  others.resize(seen.logits.empty() ? 0 : std::min(others.size(), most_runners_up));
  std::vector<RoutedChoice> choices;
  for (const std::size_t e : selected)
    choices.push_back({static_cast<std::int64_t>(e),
                       seen.kept[pair(e)] != 0 ? RoutedChoice::Kind::selected : RoutedChoice::Kind::dropped,
                       seen.gates[pair(e)], p[e]});
  for (const std::size_t e : others)
    choices.push_back({static_cast<std::int64_t>(e), RoutedChoice::Kind::runner_up, 0, p[e]});
  return choices;
}

void append(const moe::Observation& seen, std::int64_t first_token, std::optional<RoutedLevel>& level) {
  if (!level) level.emplace(RoutedLevel{seen.experts, {}, {}});
  for (std::size_t row = 0; row < static_cast<std::size_t>(seen.rows); ++row) {
    level->begin.push_back(first_token + seen.begin[row]);
    level->rows.push_back(choices_of(seen, row));
  }
}

}  // namespace

void route_text(LanguageModel& model, const RoutedTextOptions& options, RoutedText& text) {
  const auto is_wanted = [&](std::uint32_t layer) {
    return std::find(options.layers.begin(), options.layers.end(), static_cast<std::int64_t>(layer)) !=
           options.layers.end();
  };
  const auto size = static_cast<std::int64_t>(text.tokens.size());
  std::vector<Token> targets(text.tokens.begin() + 1, text.tokens.end());
  targets.push_back(model.tokenizer()->end_of_text());
  std::int64_t first = 0;
  const Observed observed(model, [&](const moe::Observation& seen) {
    if (!is_wanted(seen.layer)) return;
    RoutedLayer& layer = text.layers[seen.layer];
    append(seen, first, seen.level == "segment" ? layer.segment : layer.token);
  });
  while (first < size) {
    const std::int64_t whole = std::min(options.sequences, (size - first) / options.length);
    const std::int64_t count = std::max<std::int64_t>(1, whole), length = whole > 0 ? options.length : size - first;
    for (std::int64_t s = 0; s < count; ++s) text.sequences.push_back(first + s * length);
    const auto begin = static_cast<std::size_t>(first), rows = static_cast<std::size_t>(count * length);
    const std::vector<Language> languages(text.language ? static_cast<std::size_t>(count) : 0,
                                          text.language.value_or(Language::python));
    model.score({count, length, std::span(text.tokens).subspan(begin, rows), std::span(targets).subspan(begin, rows),
                 languages});
    first += count * length;
  }
}

}  // namespace multipl_moe
