/// The bootstrap over seeds and problems together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "multipl_moe/statistics/draws.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::statistics {

inline constexpr std::int64_t usual_resamples = 10'000;
inline constexpr std::uint32_t bootstrap_stream = 1, sign_flip_stream = 2;  // of Draws

/// An interval for a mean, and the standard error of that mean.
struct MeanInterval {
  double low = 0, high = 0;
  double standard_error = 0;
};

/// The percentile interval of 95 % for the mean difference: each resample draws as many seeds and as many clusters as
/// there are, with replacement, and takes every drawn seed with every drawn cluster. One seed, or one cluster, cannot
/// vary: the interval then is that of the other alone. Where neither seed nor problem has an effect of its own, the
/// standard error is up to 1.7 times the true one (Owen, The pigeonhole bootstrap, 2007): the interval errs to the wide
/// side.
inline MeanInterval bootstrap_95(const PairedDifferences& differences, std::int64_t resamples = usual_resamples,
                                 std::uint64_t seed = 0) {
  if (resamples < 40)
    throw UsageError("[bootstrap] needs at least 40 resamples for quantiles of 2.5 %, found " +
                     std::to_string(resamples));
  Draws draws(seed, bootstrap_stream);
  const std::size_t seeds = differences.seeds(), clusters = differences.clusters();
  std::vector<double> means, times_drawn(clusters);
  for (std::int64_t resample = 0; resample < resamples; ++resample) {
    std::fill(times_drawn.begin(), times_drawn.end(), 0.0);
    for (std::size_t i = 0; i < clusters; ++i) ++times_drawn[draws.below(clusters)];
    double sum = 0;
    for (std::size_t i = 0; i < seeds; ++i) {
      const std::size_t drawn = draws.below(seeds);
      for (std::size_t cluster = 0; cluster < clusters; ++cluster)
        sum += times_drawn[cluster] * differences.at(drawn, cluster);
    }
    means.push_back(sum / static_cast<double>(seeds * clusters));
  }
  std::sort(means.begin(), means.end());
  const auto beyond = static_cast<std::size_t>(resamples / 40);  // 2.5 % on each side
  return {means[beyond], means[means.size() - 1 - beyond], *deviation_of(means)};
}

}  // namespace multipl_moe::statistics
