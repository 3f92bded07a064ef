/// The estimate of pass@k, and the interval of a share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

/// The probability that k of a problem's n samples, drawn without replacement, hold one of the c that pass:
/// 1 - C(n - c, k) / C(n, k). Throws UsageError unless 0 <= c <= n and 1 <= k <= n.
inline double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (c < 0 || c > n || k < 1 || k > n)
    throw UsageError("[pass@k] needs 1 <= k <= n samples of which 0 to n pass, found k = " + std::to_string(k) +
                     ", n = " + std::to_string(n) + ", " + std::to_string(c) + " that pass");
  double all_fail = 1;
  for (std::int64_t i = n - c + 1; i <= n; ++i)
    all_fail *= (std::max)(0.0, 1 - static_cast<double>(k) / static_cast<double>(i));
  return 1 - all_fail;
}

struct Interval {
  double low = 0, high = 1;
};

/// Wilson's interval of 95 % for a share that was observed in `count` cases; [0, 1] without any.
inline Interval wilson_95(double share, std::int64_t count) {
  if (count < 1) return {};
  constexpr double z = 1.959963984540054;  // the normal distribution's quantile of 97.5 %
  const double n = static_cast<double>(count), weight = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / weight;
  const double half = z / weight * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {(std::max)(0.0, middle - half), (std::min)(1.0, middle + half)};
}

}  // namespace multipl_moe::benchmark
