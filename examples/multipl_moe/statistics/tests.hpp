/// Tests of a mean difference, and Holm's correction for several tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/statistics/bootstrap.hpp"
#include "multipl_moe/statistics/distributions.hpp"

namespace multipl_moe::statistics {

/// Two-sided p of the hypothesis that the differences of clusters are symmetric about 0, by flips of their signs: the
/// share of flips whose sum is at least as far from 0 as that of `differences`. Exact if that takes at most `flips`
/// sums, as differences of 0 change none; otherwise of `flips` random flips, of which the observed one is counted too,
/// so that p is never 0.
inline double sign_flip_p(std::span<const double> differences, std::int64_t flips = usual_resamples,
                          std::uint64_t seed = 0) {
  std::vector<double> sizes;
  double observed = 0, total = 0;
  for (const double difference : differences) {
    observed += difference;
    total += std::abs(difference);
    if (difference != 0) sizes.push_back(std::abs(difference));
  }
  // Sums of the same numbers in another order differ in their last digits.
  const double reached = std::abs(observed) - 1e-12 * total;
  const auto sum_of = [&sizes](const auto& is_negative) {
    double sum = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) sum += is_negative(i) ? -sizes[i] : sizes[i];
    return std::abs(sum);
  };
  std::int64_t extreme = 0;
  if (sizes.size() < 62 && std::int64_t{1} << sizes.size() <= flips) {
    const std::int64_t all = std::int64_t{1} << sizes.size();
    for (std::int64_t signs = 0; signs < all; ++signs)
      extreme += sum_of([signs](std::size_t i) { return (signs >> i & 1) != 0; }) >= reached ? 1 : 0;
    return static_cast<double>(extreme) / static_cast<double>(all);
  }
  Draws draws(seed, sign_flip_stream);
  for (std::int64_t flip = 0; flip < flips; ++flip)
    extreme += sum_of([&draws](std::size_t) { return draws.below(2) == 1; }) >= reached ? 1 : 0;
  return static_cast<double>(extreme + 1) / static_cast<double>(flips + 1);
}

/// Two-sided p of Student's test of a mean of 0. Differences without any spread tell nothing about their spread: 1.
/// Throws UsageError for fewer than two.
inline double t_test_p(std::span<const double> differences) {
  const auto deviation = deviation_of(differences);
  if (!deviation) throw UsageError("[t test] needs at least two seeds, found " + std::to_string(differences.size()));
  if (*deviation == 0) return 1;
  const double n = static_cast<double>(differences.size());
  return 2 * t_probability(-std::abs(mean_of(differences)) / (*deviation / std::sqrt(n)), n - 1);
}

/// Student's interval of 95 % for the mean. Throws UsageError for fewer than two differences.
inline MeanInterval t_interval_95(std::span<const double> differences) {
  const auto deviation = deviation_of(differences);
  if (!deviation)
    throw UsageError("[t interval] needs at least two seeds, found " + std::to_string(differences.size()));
  const double n = static_cast<double>(differences.size()), error = *deviation / std::sqrt(n);
  const double half = t_quantile(0.975, n - 1) * error, mean = mean_of(differences);
  return {mean - half, mean + half, error};
}

/// Holm's adjusted p of each of several tests: with those below 0.05 called significant, the chance of any false one
/// is at most 5 %, however the tests depend on each other.
inline std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [p](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double greatest = 0;
  for (std::size_t place = 0; place < order.size(); ++place) {
    greatest = (std::max)(greatest, static_cast<double>(p.size() - place) * p[order[place]]);
    adjusted[order[place]] = (std::min)(1.0, greatest);
  }
  return adjusted;
}

}  // namespace multipl_moe::statistics
