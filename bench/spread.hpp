#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace moe_bench {

/// Order statistics over repetitions.
struct Spread {
  double median = 0, least = 0, first_quartile = 0, third_quartile = 0;

  double interquartile() const { return third_quartile - first_quartile; }
};

/// Quantiles between two values are interpolated linearly. All 0 if there are no values.
inline Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double share) {
    const double at = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return std::lerp(values[low], values[high], at - std::floor(at));
  };
  return {quantile(0.5), values.front(), quantile(0.25), quantile(0.75)};
}

}  // namespace moe_bench
