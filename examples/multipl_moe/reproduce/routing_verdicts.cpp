#include "multipl_moe/reproduce/routing_verdicts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/routing_measures.hpp"

namespace multipl_moe::reproduce {

namespace {

using statistics::Comparison;

/// The layer that a claim is about, in each seed.
using LayerOfSeeds = std::vector<const RoutedLayer*>;

struct MeasuredRouting {
  Comparison comparison;
  std::string note;
};

Comparison over_seeds(std::vector<double> values, double bound) {
  if (values.size() > 1) return statistics::compare_by_seed(values, bound);
  Comparison alone;
  alone.mean = alone.low = alone.high = values.front();
  alone.seed_means = std::move(values);
  return alone;
}

/// Adds the values of a seed to those of the seeds before it.
void add_to(std::vector<double>& sums, const std::vector<double>& values) {
  if (sums.empty()) sums.resize(values.size());
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += values[i];
}

std::optional<MeasuredRouting> measure_information(const Claim& claim, const LayerOfSeeds& layers,
                                                   std::span<const Language> languages, std::int64_t permutations) {
  std::vector<double> values, by_chance;
  double observed = 0;
  std::vector<std::size_t> group;
  for (const RoutedLayer* layer : layers) {
    const auto sample = claim.measure == Measure::segment_information ? segment_experts(*layer, languages)
                                                                      : token_experts(*layer, languages);
    if (!sample) return std::nullopt;
    if (!group.empty() && sample->group != group)
      throw UsageError(
          fmt::format("[reproduce] the traces of all seeds must be of the same text, found {} and {} sequences",
                      group.size(), sample->group.size()));
    group = sample->group;
    const double bits = statistics::information_bits(*sample);
    const std::vector<double> permuted = statistics::permuted_information(*sample, permutations);
    values.push_back(bits - statistics::mean_of(permuted));
    observed += bits;
    add_to(by_chance, permuted);
  }
  MeasuredRouting measured{over_seeds(values, claim.margin), {}};
  // The text is the same in all seeds, so their sums are compared under the same permutations.
  const double p = statistics::p_of_chance(observed, by_chance);
  Comparison& c = measured.comparison;
  if (c.mean > claim.margin) c.p = std::max(c.p, p);
  measured.note = fmt::format("{:.3f} bits with permuted sequences, p {:.2g}",
                              statistics::mean_of(by_chance) / static_cast<double>(layers.size()), p);
  return measured;
}

std::optional<MeasuredRouting> measure_spread(const Claim& claim, const LayerOfSeeds& layers,
                                              std::span<const Language> languages) {
  std::vector<double> values;
  for (const RoutedLayer* layer : layers) {
    const auto spread = expert_spread(*layer, languages);
    if (!spread) return std::nullopt;
    values.push_back(*spread);
  }
  return MeasuredRouting{over_seeds(std::move(values), claim.margin), {}};
}

/// Few values are possible, often the same in all seeds, so interval and p are those of resampled sequences.
std::optional<MeasuredRouting> measure_agreement(const Claim& claim, const LayerOfSeeds& layers,
                                                 std::span<const Language> languages, std::int64_t resamples) {
  std::vector<double> values, resampled;
  double same_pair = 0;
  for (const RoutedLayer* layer : layers) {
    const auto agreement = position_agreement(*layer, languages, resamples);
    if (!agreement) return std::nullopt;
    values.push_back(agreement->agreement);
    add_to(resampled, agreement->resampled);
    same_pair += agreement->same_pair;
  }
  const auto seeds = static_cast<double>(layers.size());
  for (double& sum : resampled) sum /= seeds;
  MeasuredRouting measured{over_seeds(values, claim.margin), {}};
  measured.note = fmt::format("the same two positions in {:.0f} % of resamples", 100 * same_pair / seeds);
  if (layers.size() < 2) return measured;
  Comparison& c = measured.comparison;
  const auto opposite = std::count_if(resampled.begin(), resampled.end(), [&](double value) {
    return c.mean > claim.margin ? value <= claim.margin : value >= claim.margin;
  });
  c.p = std::min(1.0, 2 * static_cast<double>(opposite + 1) / static_cast<double>(resampled.size() + 1));
  c.standard_error = *statistics::deviation_of(resampled);
  c.t_degrees.reset();
  std::sort(resampled.begin(), resampled.end());
  const std::size_t beyond = resampled.size() / 40;  // 2.5 % on each side
  c.low = resampled[beyond];
  c.high = resampled[resampled.size() - 1 - beyond];
  return measured;
}

}  // namespace

std::vector<JudgedComparison> measure_routing(const Claim& claim, const AllRouting& routing, std::int64_t resamples) {
  LayerOfSeeds layers;
  if (const auto runs = routing.find(claim.a); runs != routing.end())
    for (const auto& [seed, of_seed] : runs->second)
      if (const RoutedLayer* layer = layer_named(of_seed, claim.layer)) layers.push_back(layer);
  std::vector<std::pair<std::string, std::vector<Language>>> groups;
  for (const std::string& group : claim.languages) groups.emplace_back(group, languages_of_group(group));
  // Agreement is among all of them.
  if (claim.measure == Measure::position_agreement) {
    for (auto& [name, of_group] : groups)
      if (&name != &groups.front().first)
        groups.front().second.insert(groups.front().second.end(), of_group.begin(), of_group.end());
    groups.front().first = fmt::format("{}", fmt::join(claim.languages, " "));
    groups.resize(1);
  }
  std::vector<JudgedComparison> comparisons;
  for (const auto& [name, languages] : groups) {
    JudgedComparison comparison;
    comparison.languages = name;
    std::optional<MeasuredRouting> measured;
    if (!layers.empty())
      measured = claim.measure == Measure::expert_spread ? measure_spread(claim, layers, languages)
                 : claim.measure == Measure::position_agreement
                     ? measure_agreement(claim, layers, languages, resamples)
                     : measure_information(claim, layers, languages, resamples);
    if (measured) {
      comparison.seeds = layers.size();
      comparison.advantage = std::move(measured->comparison);
      comparison.note = std::move(measured->note);
    }
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

}  // namespace multipl_moe::reproduce
