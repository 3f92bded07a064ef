#include "multipl_moe/statistics/rank_correlation.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace rank_correlation_test {

using namespace multipl_moe::statistics;
using Catch::Approx;
using Values = std::vector<double>;

TEST_CASE("equal values share the mean of their ranks", "[statistics]") {
  CHECK(ranks_of(Values{3, 1, 2}) == Values{3, 1, 2});
  CHECK(ranks_of(Values{5, 1, 5, 5}) == Values{3, 1, 3, 3});
  CHECK(ranks_of(Values{2, 2, 7, 7}) == Values{1.5, 1.5, 3.5, 3.5});
  CHECK(ranks_of(Values{}).empty());
}

TEST_CASE("the rank correlation is that of the ranks, whatever the distances", "[statistics]") {
  CHECK(rank_correlation(Values{1, 2, 3}, Values{10, 1000, 1001}) == Approx(1));
  CHECK(rank_correlation(Values{1, 2, 3}, Values{9, 4, -1}) == Approx(-1));
  // 1 - 6 (1 + 1 + 4 + 4 + 0) / (5 * 24).
  CHECK(rank_correlation(Values{1, 2, 3, 4, 5}, Values{2, 1, 5, 2.5, 6}) == Approx(0.8));
  CHECK(rank_correlation(Values{1, 2, 3, 4, 5}, Values{2, 3, 5, 1, 4}) == Approx(1 - 6 * 16 / 120.));
  CHECK(rank_correlation(Values{1, 1, 2}, Values{1, 2, 3}) == Approx(std::sqrt(3) / 2));
  CHECK(std::isnan(rank_correlation(Values{1, 1}, Values{1, 2})));
  CHECK(std::isnan(rank_correlation(Values{}, Values{})));
}

}  // namespace rank_correlation_test
