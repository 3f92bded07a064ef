#include "multipl_moe/benchmark/pass_at_k.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (c < 0 || c > n || k < 1 || k > n)
    throw UsageError(fmt::format(
        "[pass@k] needs 1 <= k <= n samples of which 0 to n pass, found k = {}, n = {}, {} that pass", k, n, c));
  if (n - c < k) return 1;
  double all_fail = 1;
  for (std::int64_t i = n - c + 1; i <= n; ++i) all_fail *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_fail;
}

Interval wilson_95(double share, std::int64_t count) {
  if (count < 1) return {};
  constexpr double z = 1.959963984540054;  // the normal distribution's quantile of 97.5 %
  const double n = static_cast<double>(count), weight = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / weight;
  const double half = z / weight * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {(std::max)(0.0, middle - half), (std::min)(1.0, middle + half)};
}

}  // namespace multipl_moe::benchmark
