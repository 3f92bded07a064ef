#include "multipl_moe/benchmark/pass_at_k.hpp"

#include <cmath>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace pass_at_k_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;

namespace {

/// C(n, k), exact: at most C(30, 15).
std::int64_t choose(std::int64_t n, std::int64_t k) {
  if (k > n) return 0;
  std::int64_t result = 1;
  for (std::int64_t i = 1; i <= k; ++i) result = result * (n - k + i) / i;
  return result;
}

}  // namespace

TEST_CASE("pass@k equals 1 - C(n - c, k) / C(n, k) for every n up to 30", "[benchmark][pass]") {
  for (std::int64_t n = 1; n <= 30; ++n)
    for (std::int64_t c = 0; c <= n; ++c)
      for (std::int64_t k = 1; k <= n; ++k) {
        const std::int64_t all = choose(n, k);
        const double expected = static_cast<double>(all - choose(n - c, k)) / static_cast<double>(all);
        if (std::abs(pass_at_k(n, c, k) - expected) > 1e-12) {
          CAPTURE(n, c, k);
          CHECK(pass_at_k(n, c, k) == expected);
        }
      }
  CHECK(pass_at_k(20, 5, 1) == Approx(0.25));
  CHECK(pass_at_k(200, 1, 100) == Approx(0.5));
}

TEST_CASE("more samples are drawn than there are only as an error", "[benchmark][pass]") {
  CHECK_THROWS_AS(pass_at_k(20, 5, 100), UsageError);
  CHECK_THROWS_AS(pass_at_k(20, 21, 1), UsageError);
  CHECK_THROWS_AS(pass_at_k(20, -1, 1), UsageError);
  CHECK_THROWS_AS(pass_at_k(20, 5, 0), UsageError);
}

TEST_CASE("Wilson's interval", "[benchmark][pass]") {
  CHECK(wilson_95(0.5, 10).low == Approx(0.236593).margin(1e-6));
  CHECK(wilson_95(0.5, 10).high == Approx(0.763407).margin(1e-6));
  CHECK(wilson_95(0, 120).low == 0);
  CHECK(wilson_95(0, 120).high == Approx(0.031019).margin(1e-6));
  CHECK(wilson_95(1, 120).high == 1);
  CHECK(wilson_95(0.3, 0).low == 0);
  CHECK(wilson_95(0.3, 0).high == 1);
}

}  // namespace pass_at_k_test
