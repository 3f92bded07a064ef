/// Two systems compared: the mean difference with all that a verdict needs.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "multipl_moe/statistics/bootstrap.hpp"
#include "multipl_moe/statistics/tests.hpp"

namespace multipl_moe::statistics {

struct Comparison {
  double mean = 0;
  std::vector<double> seed_means;
  double low = 0, high = 0;  ///< interval of 95 %
  double standard_error = 0;
  double p = 1;                     ///< two-sided, of the hypothesis that the mean is `bound`; not corrected
  std::optional<double> t_degrees;  ///< if interval and p are Student's
};

/// Compares by problems: the interval is that of the bootstrap, p that of sign flips.
inline Comparison compare_by_problem(const PairedDifferences& differences, double bound,
                                     std::int64_t resamples = usual_resamples) {
  const MeanInterval interval = bootstrap_95(differences, resamples);
  std::vector<double> beyond = differences.cluster_means();
  for (double& difference : beyond) difference -= bound;
  return {differences.mean(),      differences.seed_means(),       interval.low, interval.high,
          interval.standard_error, sign_flip_p(beyond, resamples), std::nullopt};
}

/// Compares by one difference for each seed, with Student's interval and test. Throws UsageError for fewer than two.
inline Comparison compare_by_seed(std::span<const double> differences, double bound) {
  const MeanInterval interval = t_interval_95(differences);
  std::vector<double> beyond(differences.begin(), differences.end());
  for (double& difference : beyond) difference -= bound;
  return {mean_of(differences),
          {differences.begin(), differences.end()},
          interval.low,
          interval.high,
          interval.standard_error,
          t_test_p(beyond),
          static_cast<double>(differences.size() - 1)};
}

/// The smallest true distance from the bound that a test of 5 % among `tests` (the strictest of Holm's steps) would
/// have found with a probability of 80 %, and whose estimate would have exceeded `margin` with the same.
inline double smallest_difference_seen(const Comparison& comparison, double margin, std::size_t tests) {
  const auto quantile = [&](double p) {
    return comparison.t_degrees ? t_quantile(p, *comparison.t_degrees) : normal_quantile(p);
  };
  const double power = quantile(0.8), level = quantile(1 - 0.05 / (2 * static_cast<double>(tests)));
  return comparison.standard_error * power + (std::max)(margin, comparison.standard_error * level);
}

}  // namespace multipl_moe::statistics
