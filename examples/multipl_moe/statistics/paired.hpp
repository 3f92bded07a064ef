/// Differences between two systems, paired: both had the same problem in a run of the same seed.
#pragma once

#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::statistics {

/// The mean. `values` must not be empty.
inline double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The standard deviation of a sample (divisor n - 1); empty for fewer than two values.
inline std::optional<double> deviation_of(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// A difference for each seed and each cluster. A cluster is a problem with its renderings in several languages, which
/// are not independent of each other: its value is their mean.
class PairedDifferences {
 public:
  /// `a` and `b` hold the scores of two systems, one seed after the other, `clusters` of each. Throws UsageError if
  /// they do not have the same number of scores, or if that is not a multiple of `clusters`.
  PairedDifferences(std::span<const double> a, std::span<const double> b, std::size_t clusters) : clusters_(clusters) {
    if (clusters == 0 || a.empty() || a.size() != b.size() || a.size() % clusters != 0)
      throw UsageError("[statistics] both systems need a score for every seed and problem, found " +
                       std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                       " scores, problems: " + std::to_string(clusters));
    values_.resize(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) values_[i] = a[i] - b[i];
  }

  std::size_t seeds() const { return values_.size() / clusters_; }
  std::size_t clusters() const { return clusters_; }
  double at(std::size_t seed, std::size_t cluster) const { return values_[seed * clusters_ + cluster]; }
  double mean() const { return mean_of(values_); }

  std::vector<double> seed_means() const {
    std::vector<double> means;
    for (std::size_t seed = 0; seed < seeds(); ++seed)
      means.push_back(mean_of(std::span(values_).subspan(seed * clusters_, clusters_)));
    return means;
  }
  std::vector<double> cluster_means() const {
    std::vector<double> means(clusters_);
    for (std::size_t i = 0; i < values_.size(); ++i) means[i % clusters_] += values_[i] / static_cast<double>(seeds());
    return means;
  }

 private:
  std::size_t clusters_;
  std::vector<double> values_;
};

}  // namespace multipl_moe::statistics
