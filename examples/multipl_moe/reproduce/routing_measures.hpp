/// Measures of a layer's routing: what the claims about routing are about.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "multipl_moe/reproduce/routed_sequences.hpp"
#include "multipl_moe/statistics/information.hpp"

namespace multipl_moe::reproduce {

/// The experts of tokens by language: a sequence counts the tokens that each routed expert processes. Empty if a
/// language has none.
inline std::optional<statistics::GroupedCounts> token_experts(const RoutedLayer& layer,
                                                              std::span<const Language> languages) {
  statistics::GroupedCounts sample{languages.size(), 0, {}, {}};
  std::vector<bool> has_text(languages.size());
  for (const RoutedSequence& sequence : layer.token) {
    const auto found = std::find(languages.begin(), languages.end(), sequence.language);
    if (found == languages.end()) continue;
    sample.group.push_back(static_cast<std::size_t>(found - languages.begin()));
    sample.counts.push_back(sequence.experts);
    sample.outcomes = sequence.experts.size();
    has_text[sample.group.back()] = true;
  }
  const bool has_all = std::find(has_text.begin(), has_text.end(), false) == has_text.end();
  return has_all && sample.outcomes > 0 ? std::optional(std::move(sample)) : std::nullopt;
}

/// The experts of segments by language, in a stratum for each position: where every expert takes as many segments of
/// each sequence, only its positions can depend on the language. Empty if a language has none.
inline std::optional<statistics::GroupedCounts> segment_experts(const RoutedLayer& layer,
                                                                std::span<const Language> languages) {
  std::size_t positions = 0;
  for (const RoutedSequence& sequence : layer.segment) positions = (std::max)(positions, sequence.segments.size());
  RoutedLayer flat;
  for (const RoutedSequence& sequence : layer.segment) {
    const std::size_t experts = sequence.experts.size();
    std::vector<double> counts(positions * experts);
    for (std::size_t p = 0; p < sequence.segments.size(); ++p)
      for (const std::size_t expert : sequence.segments[p]) ++counts[p * experts + expert];
    flat.token.push_back({sequence.language, std::move(counts), {}});
  }
  auto sample = token_experts(flat, languages);
  if (sample) sample->outcomes = layer.segment.front().experts.size();
  return sample;
}

/// The greatest share of a routed expert in the tokens' choices over its even share, less 1: 0 is even. The mean over
/// the languages; empty if one has no text.
inline std::optional<double> expert_spread(const RoutedLayer& layer, std::span<const Language> languages) {
  double spread = 0;
  for (const Language& language : languages) {
    const auto sample = token_experts(layer, std::span(&language, 1));
    if (!sample) return std::nullopt;
    std::vector<double> counts(sample->outcomes);
    double sum = 0;
    for (const auto& sequence : sample->counts)
      for (std::size_t e = 0; e < counts.size(); ++e) counts[e] += sequence[e], sum += sequence[e];
    if (sum <= 0) return std::nullopt;
    const double greatest = *std::max_element(counts.begin(), counts.end());
    spread += greatest / sum * static_cast<double>(counts.size()) - 1;
  }
  return spread / static_cast<double>(languages.size());
}

/// Two positions of segments, the first one lower.
using PositionPair = std::pair<std::size_t, std::size_t>;

/// How many experts take each position of each sequence of a language: [sequences][positions].
inline std::vector<std::vector<double>> takers_by_position(const RoutedLayer& layer, Language language) {
  std::vector<std::vector<double>> takers;
  for (const RoutedSequence& sequence : layer.segment) {
    if (sequence.language != language) continue;
    std::vector<double>& of_sequence = takers.emplace_back();
    for (const auto& experts : sequence.segments) of_sequence.push_back(static_cast<double>(experts.size()));
  }
  return takers;
}

/// The two positions that most experts take, in the mean over the sequences that have them; of equal ones the first.
/// Empty for fewer than two positions. `times`: how often each sequence counts.
inline std::optional<PositionPair> top_positions(const std::vector<std::vector<double>>& takers,
                                                 std::span<const double> times) {
  std::vector<double> sums, sequences;
  for (std::size_t s = 0; s < takers.size(); ++s)
    for (std::size_t p = 0; p < takers[s].size(); ++p) {
      if (sums.size() <= p) sums.resize(p + 1), sequences.resize(p + 1);
      sums[p] += times[s] * takers[s][p];
      sequences[p] += times[s];
    }
  if (sums.size() < 2) return std::nullopt;
  for (std::size_t p = 0; p < sums.size(); ++p) sums[p] = sequences[p] > 0 ? sums[p] / sequences[p] : -1;
  const auto first = std::max_element(sums.begin(), sums.end()) - sums.begin();
  sums[static_cast<std::size_t>(first)] = -2;
  const auto second = std::max_element(sums.begin(), sums.end()) - sums.begin();
  return PositionPair{static_cast<std::size_t>((std::min)(first, second)),
                      static_cast<std::size_t>((std::max)(first, second))};
}

/// The share of the two positions that two languages have in common, in the mean over all pairs of languages.
inline double agreement_of(std::span<const PositionPair> pairs) {
  double common = 0, comparisons = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (std::size_t j = i + 1; j < pairs.size(); ++j, ++comparisons)
      for (const std::size_t position : {pairs[i].first, pairs[i].second})
        common += position == pairs[j].first || position == pairs[j].second ? 0.5 : 0;
  return comparisons > 0 ? common / comparisons : 0;
}

/// Agreement of the languages' most selected positions, with resamples of the sequences of each language.
struct PositionAgreement {
  double agreement = 0;
  std::vector<double> resampled;
  double same_pair = 0;  ///< share of resamples, over all languages, in which a language has the same two positions
};

/// Empty if a language has no segments. The same draws for every model with as many sequences.
inline std::optional<PositionAgreement> position_agreement(const RoutedLayer& layer,
                                                           std::span<const Language> languages,
                                                           std::int64_t resamples = statistics::usual_resamples,
                                                           std::uint64_t seed = 0) {
  std::vector<std::vector<std::vector<double>>> takers;
  std::vector<PositionPair> pairs;
  for (const Language language : languages) {
    takers.push_back(takers_by_position(layer, language));
    const auto pair = top_positions(takers.back(), std::vector<double>(takers.back().size(), 1.0));
    if (!pair) return std::nullopt;
    pairs.push_back(*pair);
  }
  PositionAgreement result{agreement_of(pairs), {}, 0};
  statistics::Draws draws(seed, statistics::sequence_stream);
  for (std::int64_t resample = 0; resample < resamples; ++resample) {
    std::vector<PositionPair> drawn;
    for (std::size_t l = 0; l < takers.size(); ++l) {
      std::vector<double> times(takers[l].size());
      for (std::size_t i = 0; i < times.size(); ++i) ++times[draws.below(times.size())];
      drawn.push_back(*top_positions(takers[l], times));
      result.same_pair += drawn.back() == pairs[l] ? 1 : 0;
    }
    result.resampled.push_back(agreement_of(drawn));
  }
  result.same_pair /= static_cast<double>(resamples) * static_cast<double>(takers.size());
  return result;
}

}  // namespace multipl_moe::reproduce
