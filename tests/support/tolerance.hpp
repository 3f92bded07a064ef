#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "moe/core/bfloat16.hpp"

namespace moe::testing {

/// Tolerance of results compared with the reference, by value type.
template <class Real>
struct Tolerance;
template <>
struct Tolerance<double> {
  static constexpr double nmse = 1e-24, relative = 1e-12;
  /// Selections closer than this may change by rounding, so inputs are drawn with a larger margin.
  static constexpr double margin = 1e-9;
};
template <>
struct Tolerance<float> {
  static constexpr double nmse = 1e-10, relative = 1e-5;
  static constexpr double margin = 1e-4;
};

template <>
struct Tolerance<BFloat16> {
  static constexpr double nmse = 1e-4, relative = 1e-5;
  static constexpr double margin = 1e-4;
};

/// sum (actual - expected)^2 / sum expected^2 over all values that were added; `worst` is the label of the call of
/// add() with the largest squared error.
class Nmse {
 public:
  void add(const std::vector<double>& expected, const std::vector<double>& actual, std::uint32_t label = 0) {
    double noise = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      signal_ += expected[i] * expected[i];
      noise += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    }
    // This form of the comparison counts NaN as the worst.
    if (!(noise <= largest_)) largest_ = noise, worst = label;
    noise_ += noise;
  }
  double value() const { return noise_ == 0 ? 0 : noise_ / signal_; }
  std::uint32_t worst = 0;

 private:
  double noise_ = 0, signal_ = 0, largest_ = 0;
};

inline double nmse(const std::vector<double>& expected, const std::vector<double>& actual) {
  Nmse result;
  result.add(expected, actual);
  return result.value();
}

/// The largest |a - b| over the largest |a|.
inline double relative_deviation(const std::vector<double>& a, const std::vector<double>& b) {
  double deviation = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    deviation = std::max(deviation, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(a[i]));
  }
  return deviation == 0 ? 0 : deviation / size;
}

}  // namespace moe::testing
