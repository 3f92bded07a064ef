#include "multipl_moe/statistics/distributions.hpp"

#include <array>

#include "support/catch.hpp"

namespace distributions_test {

using namespace multipl_moe;
using namespace multipl_moe::statistics;

TEST_CASE("quantiles of Student's t are those of the table", "[statistics]") {
  // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
  constexpr std::array probabilities{0.90, 0.95, 0.975, 0.99, 0.995, 0.999};
  struct Row {
    double degrees;
    std::array<double, 6> quantiles;
  };
  constexpr std::array<Row, 8> table{{{1, {3.078, 6.314, 12.706, 31.821, 63.657, 318.309}},
                                      {2, {1.886, 2.920, 4.303, 6.965, 9.925, 22.327}},
                                      {3, {1.638, 2.353, 3.182, 4.541, 5.841, 10.215}},
                                      {4, {1.533, 2.132, 2.776, 3.747, 4.604, 7.173}},
                                      {5, {1.476, 2.015, 2.571, 3.365, 4.032, 5.893}},
                                      {10, {1.372, 1.812, 2.228, 2.764, 3.169, 4.144}},
                                      {30, {1.310, 1.697, 2.042, 2.457, 2.750, 3.385}},
                                      {100, {1.290, 1.660, 1.984, 2.364, 2.626, 3.174}}}};
  for (const Row& row : table)
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      CAPTURE(row.degrees, probabilities[i]);
      CHECK(t_quantile(probabilities[i], row.degrees) == Approx(row.quantiles[i]).margin(0.00051));
    }
}

TEST_CASE("Student's t with one and two degrees of freedom has a closed form", "[statistics]") {
  for (const double t : {-30.0, -2.0, -0.1, 0.0, 0.5, 3.0, 1000.0}) {
    CAPTURE(t);
    CHECK(t_probability(t, 1) == Approx(0.5 + std::atan(t) / std::numbers::pi).margin(1e-14));
    CHECK(t_probability(t, 2) == Approx(0.5 + t / (2 * std::sqrt(2 + t * t))).margin(1e-14));
  }
  for (const double p : {0.001, 0.3, 0.5, 0.9}) {
    CAPTURE(p);
    CHECK(t_quantile(p, 2) == Approx((2 * p - 1) * std::sqrt(2 / (4 * p * (1 - p)))).margin(1e-12));
  }
}

TEST_CASE("the incomplete beta function equals its closed forms", "[statistics]") {
  for (const double x : {0.0, 0.01, 0.3, 0.5, 0.9, 1.0}) {
    CAPTURE(x);
    CHECK(incomplete_beta(1, 7, x) == Approx(1 - std::pow(1 - x, 7)).margin(1e-14));
    CHECK(incomplete_beta(3.5, 1, x) == Approx(std::pow(x, 3.5)).margin(1e-14));
    CHECK(incomplete_beta(2, 2, x) == Approx(x * x * (3 - 2 * x)).margin(1e-14));
    CHECK(incomplete_beta(50, 0.5, x) + incomplete_beta(0.5, 50, 1 - x) == Approx(1));
  }
}

TEST_CASE("quantiles of the normal distribution are those of the table", "[statistics]") {
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).margin(1e-14));
  CHECK(normal_quantile(0.8) == Approx(0.841621233572914).margin(1e-14));
  CHECK(normal_quantile(0.05) == Approx(-1.644853626951473).margin(1e-14));
  CHECK(normal_quantile(0.5) == Approx(0).margin(1e-15));
  CHECK(normal_quantile(1e-9) == Approx(-5.997807).margin(1e-6));
  // Student's distribution approaches it.
  CHECK(t_quantile(0.975, 1e6) == Approx(1.95996).margin(1e-4));
}

TEST_CASE("a quantile of 0, 1 or not a number is refused", "[statistics]") {
  for (const double p : {0.0, 1.0, -0.5, 1.5, std::nan("")}) {
    CHECK_THROWS_AS(normal_quantile(p), UsageError);
    CHECK_THROWS_AS(t_quantile(p, 2), UsageError);
  }
}

}  // namespace distributions_test
