/// The estimate of pass@k, and the interval of a share.
#pragma once

#include <cstdint>

namespace multipl_moe::benchmark {

/// The probability that k of a problem's n samples, drawn without replacement, hold one of the c that pass:
/// 1 - C(n - c, k) / C(n, k). Throws UsageError unless 0 <= c <= n and 1 <= k <= n.
double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k);

struct Interval {
  double low = 0, high = 1;
};
/// Wilson's interval of 95 % for a share that was observed in `count` cases; [0, 1] without any.
Interval wilson_95(double share, std::int64_t count);

}  // namespace multipl_moe::benchmark
