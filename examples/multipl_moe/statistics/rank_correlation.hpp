/// Spearman's rank correlation.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace multipl_moe::statistics {

/// The rank of each value, from 1; equal values share the mean of their ranks.
inline std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [values](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t place = begin; place < end; ++place)
      ranks[order[place]] = static_cast<double>(begin + 1 + end) / 2;
  }
  return ranks;
}

/// From -1 to 1; NaN if all values of one list are equal, or there are none. `a` and `b` have the same size.
inline double rank_correlation(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> ranks_a = ranks_of(a), ranks_b = ranks_of(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double products = 0, squares_a = 0, squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double off_a = ranks_a[i] - mean, off_b = ranks_b[i] - mean;
    products += off_a * off_b;
    squares_a += off_a * off_a;
    squares_b += off_b * off_b;
  }
  if (squares_a == 0 || squares_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return products / std::sqrt(squares_a * squares_b);
}

}  // namespace multipl_moe::statistics
