/// Student's t distribution and the normal one, in double.
#pragma once

#include <cmath>
#include <numbers>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::statistics {

/// The probability that a standard normal number is at most `z`.
inline double normal_probability(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

/// The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, evaluated as Lentz
/// does). 0 <= x <= 1, a > 0, b > 0.
inline double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // Beyond this point the fraction of the mirrored function converges faster.
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x)) / a;
  constexpr double tiny = 1e-300, exact = 1e-15;
  const auto away_from_0 = [](double value) { return std::abs(value) < tiny ? tiny : value; };
  double upper = 1, lower = 1 / away_from_0(1 - (a + b) * x / (a + 1)), value = lower;
  for (int m = 1; m < 10'000; ++m) {
    const auto step = [&](double term) {
      lower = 1 / away_from_0(1 + term * lower);
      upper = away_from_0(1 + term / upper);
      value *= upper * lower;
    };
    step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    step(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
    if (std::abs(upper * lower - 1) < exact) break;
  }
  return front * value;
}

/// The probability that a number of Student's t distribution is at most `t`. `degrees` > 0.
inline double t_probability(double t, double degrees) {
  const double square = t * t;
  // Each of the two forms is exact where the other one subtracts nearly equal numbers.
  if (square < degrees) {
    const double half = incomplete_beta(0.5, degrees / 2, square / (degrees + square)) / 2;
    return t < 0 ? 0.5 - half : 0.5 + half;
  }
  const double tail = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square)) / 2;
  return t < 0 ? tail : 1 - tail;
}

namespace detail {

/// Where the growing function `probability` reaches `p`, to the last digits of double.
template <class Probability>
double quantile(double p, const Probability& probability) {
  if (!(p > 0 && p < 1))
    throw UsageError("[quantile] the probability must be above 0 and below 1, found " + std::to_string(p));
  double low = -1, high = 1;
  while (probability(low) > p) low *= 2;
  while (probability(high) < p) high *= 2;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    (probability(middle) < p ? low : high) = middle;
  }
  return high;
}

}  // namespace detail

/// The number that a standard normal number exceeds with probability 1 - p. Throws UsageError unless 0 < p < 1.
inline double normal_quantile(double p) {
  return detail::quantile(p, [](double z) { return normal_probability(z); });
}

/// The same of Student's t distribution. `degrees` > 0. Throws UsageError unless 0 < p < 1.
inline double t_quantile(double p, double degrees) {
  return detail::quantile(p, [degrees](double t) { return t_probability(t, degrees); });
}

}  // namespace multipl_moe::statistics
