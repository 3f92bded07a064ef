/// How much an outcome tells about the group that it was seen in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "multipl_moe/statistics/bootstrap.hpp"
#include "multipl_moe/statistics/draws.hpp"

namespace multipl_moe::statistics {

inline constexpr std::uint32_t permutation_stream = 3, sequence_stream = 4;  // of Draws

/// Outcomes that were counted in sequences, each of which belongs to a group. In each of several strata, such as the
/// positions of a sequence, an outcome is counted by itself.
struct GroupedCounts {
  std::size_t groups = 0, outcomes = 0;
  std::vector<std::size_t> group;           ///< of each sequence
  std::vector<std::vector<double>> counts;  ///< of each sequence: [strata * outcomes]
};

/// Bits that the outcome tells about the group, if all groups are equally likely: the mean over groups of the
/// divergence of a group's distribution from the mean distribution of all groups, at most log2(groups). With several
/// strata it is the mean of their values, each weighted by its share of the counts; a group without counts in a stratum
/// is no part of it. `group` may differ from that of `sample`, as after a permutation.
inline double information_bits(const GroupedCounts& sample, std::span<const std::size_t> group) {
  if (sample.counts.empty()) return 0;
  const std::size_t width = sample.counts.front().size(), strata = width / sample.outcomes;
  std::vector<double> table(sample.groups * width), totals(sample.groups);
  for (std::size_t s = 0; s < sample.counts.size(); ++s)
    for (std::size_t i = 0; i < width; ++i) table[group[s] * width + i] += sample.counts[s][i];
  for (std::size_t g = 0; g < sample.groups; ++g)
    for (std::size_t i = 0; i < width; ++i) totals[g] += table[g * width + i];
  double bits = 0, weights = 0;
  std::vector<double> mean(sample.outcomes);
  std::vector<std::pair<std::size_t, double>> here;  // groups with counts in the stratum, and their number
  for (std::size_t stratum = 0; stratum < strata; ++stratum) {
    const auto count = [&](std::size_t g, std::size_t o) { return table[g * width + stratum * sample.outcomes + o]; };
    here.clear();
    double weight = 0;
    for (std::size_t g = 0; g < sample.groups; ++g) {
      double sum = 0;
      for (std::size_t o = 0; o < sample.outcomes; ++o) sum += count(g, o);
      if (sum <= 0) continue;
      here.emplace_back(g, sum);
      weight += sum / totals[g];
    }
    if (here.empty()) continue;
    const double share = 1 / static_cast<double>(here.size());
    std::fill(mean.begin(), mean.end(), 0.0);
    for (const auto& [g, sum] : here)
      for (std::size_t o = 0; o < sample.outcomes; ++o) mean[o] += share * count(g, o) / sum;
    for (const auto& [g, sum] : here)
      for (std::size_t o = 0; o < sample.outcomes; ++o)
        if (const double p = count(g, o) / sum; p > 0) bits += weight * share * p * std::log2(p / mean[o]);
    weights += weight;
  }
  return weights > 0 ? bits / weights : 0;
}

inline double information_bits(const GroupedCounts& sample) { return information_bits(sample, sample.group); }

/// The information after each of `permutations` random permutations of the sequences' groups: what chance gives. The
/// same permutations for all samples with as many sequences and the same seed.
inline std::vector<double> permuted_information(const GroupedCounts& sample,
                                                std::int64_t permutations = usual_resamples, std::uint64_t seed = 0) {
  Draws draws(seed, permutation_stream);
  std::vector<std::size_t> group = sample.group;
  std::vector<double> bits;
  for (std::int64_t permutation = 0; permutation < permutations; ++permutation) {
    for (std::size_t left = group.size(); left > 1; --left) std::swap(group[left - 1], group[draws.below(left)]);
    bits.push_back(information_bits(sample, group));
  }
  return bits;
}

/// One-sided p of the hypothesis that chance gives `observed` or more, of draws of what chance gives. The observed
/// value is counted too, so that p is never 0.
inline double p_of_chance(double observed, std::span<const double> by_chance) {
  const auto reached =
      std::count_if(by_chance.begin(), by_chance.end(), [&](double value) { return value >= observed - 1e-12; });
  return static_cast<double>(reached + 1) / static_cast<double>(by_chance.size() + 1);
}

}  // namespace multipl_moe::statistics
