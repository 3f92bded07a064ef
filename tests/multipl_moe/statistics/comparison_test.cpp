#include "multipl_moe/statistics/comparison.hpp"

#include <array>

#include "support/catch.hpp"

namespace comparison_test {

using namespace multipl_moe;
using namespace multipl_moe::statistics;
using Catch::Matchers::ContainsSubstring;
using Values = std::vector<double>;

namespace {

PairedDifferences differences_of(const Values& values, std::size_t clusters) {
  return {values, Values(values.size()), clusters};
}

}  // namespace

TEST_CASE("differences are paired by seed and problem", "[statistics]") {
  const PairedDifferences d(Values{1, 1, 0, 1, 0, 0}, Values{0, 1, 0, 0, 1, 0}, 3);
  CHECK(d.seeds() == 2);
  CHECK(d.at(1, 1) == -1);
  CHECK(d.mean() == Approx(1 / 6.));
  CHECK(d.seed_means() == Values{1 / 3., 0});
  CHECK(d.cluster_means() == Values{1, -0.5, 0});
}

TEST_CASE("systems with other problems cannot be paired", "[statistics]") {
  CHECK_THROWS_WITH((PairedDifferences(Values{1, 1}, Values{1}, 1)),
                    ContainsSubstring("found 2 and 1 scores, problems: 1"));
  CHECK_THROWS_AS((PairedDifferences(Values{1, 1, 1}, Values{1, 1, 1}, 2)), UsageError);
  CHECK_THROWS_AS((PairedDifferences(Values{}, Values{}, 1)), UsageError);
  CHECK_THROWS_AS((PairedDifferences(Values{1}, Values{1}, 0)), UsageError);
}

TEST_CASE("a standard deviation needs two values", "[statistics]") {
  CHECK_FALSE(deviation_of(Values{3}));
  CHECK(*deviation_of(Values{1, 3}) == Approx(std::numbers::sqrt2));
  CHECK(*deviation_of(Values{2, 2, 2}) == 0);
}

TEST_CASE("the bootstrap of problems has the binomial's spread", "[statistics]") {
  Values values(100);
  std::fill_n(values.begin(), 30, 1.0);
  const MeanInterval interval = bootstrap_95(differences_of(values, 100), 4000);
  CHECK(interval.standard_error == Approx(std::sqrt(0.3 * 0.7 / 100)).epsilon(0.05));
  // Quantiles of 2.5 % and 97.5 % of Binomial(100, 0.3): 21 and 39.
  CHECK(interval.low == Approx(0.21).margin(0.0101));
  CHECK(interval.high == Approx(0.39).margin(0.0101));
  const MeanInterval again = bootstrap_95(differences_of(values, 100), 4000);
  CHECK(again.low == interval.low);
  CHECK(again.standard_error == interval.standard_error);
}

TEST_CASE("the bootstrap adds the spread of seeds and that of problems", "[statistics]") {
  // Difference = part of the seed + part of the problem: the variances of the two resampled means add up.
  constexpr std::array seed_parts{0.0, 0.3, 0.6};
  constexpr std::array problem_parts{0.0, 1.0, 0.0, 0.5};
  Values values;
  for (const double of_seed : seed_parts)
    for (const double of_problem : problem_parts) values.push_back(of_seed + of_problem);
  const double of_seeds = 0.06 / 3, of_problems = 0.171875 / 4;  // variances with divisor n
  const MeanInterval interval = bootstrap_95(differences_of(values, 4), 4000);
  CHECK(interval.standard_error == Approx(std::sqrt(of_seeds + of_problems)).epsilon(0.05));
}

TEST_CASE("equal differences have an interval without width", "[statistics]") {
  const MeanInterval interval = bootstrap_95(differences_of(Values(6, 0.25), 3), 40);
  CHECK(interval.low == 0.25);
  CHECK(interval.high == 0.25);
  CHECK(interval.standard_error == 0);
  CHECK_THROWS_WITH(bootstrap_95(differences_of(Values(6, 0.25), 3), 39), ContainsSubstring("at least 40"));
}

TEST_CASE("sign flips of few differences are counted exactly", "[statistics]") {
  // Over three seeds no test goes below 1/4, over five below 1/16, over six below 1/32.
  CHECK(sign_flip_p(Values(3, 0.2)) == 0.25);
  CHECK(sign_flip_p(Values(5, 0.2)) == 0.0625);
  CHECK(sign_flip_p(Values(6, -0.2)) == 0.03125);
  // |1 + 2 + 3 - 1| = 5 is reached or exceeded by 7, 5, 5 and their negatives, of 16.
  CHECK(sign_flip_p(Values{1, 2, 3, -1}) == 6 / 16.);
  CHECK(sign_flip_p(Values{0.1, 0.2, 0.3, -0.1}) == 6 / 16.);
  // Problems in which the systems are equal change nothing.
  Values with_zeros(200);
  std::fill_n(with_zeros.begin(), 3, 0.2);
  CHECK(sign_flip_p(with_zeros) == 0.25);
  CHECK(sign_flip_p(Values(200)) == 1);
  CHECK(sign_flip_p(Values{}) == 1);
  CHECK(sign_flip_p(Values{1, -1}) == 1);
}

TEST_CASE("sign flips of many differences are drawn", "[statistics]") {
  // 15 of 20 signs: the sign test's p is 2 P(X >= 15) of Binomial(20, 1/2).
  Values values(20, 1.0);
  std::fill_n(values.begin(), 5, -1.0);
  CHECK(sign_flip_p(values) == Approx(0.0413895).margin(4 * 0.002));
  CHECK(sign_flip_p(values) == sign_flip_p(values));
  // A p of 0 would claim more than the flips can tell.
  CHECK(sign_flip_p(Values(40, 1.0), 999) == 0.001);
}

TEST_CASE("Student's test and interval equal their closed forms", "[statistics]") {
  // Two degrees of freedom, t = 2 sqrt(3).
  CHECK(t_test_p(Values{1, 2, 3}) == Approx(1 - std::sqrt(12.0 / 14)).margin(1e-12));
  const MeanInterval three = t_interval_95(Values{1, 2, 3});
  CHECK(three.standard_error == Approx(1 / std::sqrt(3.0)));
  CHECK(three.low == Approx(2 - 4.302653 / std::sqrt(3.0)).margin(1e-6));
  CHECK(three.high == Approx(2 + 4.302653 / std::sqrt(3.0)).margin(1e-6));
  // Two seeds: one degree of freedom, t = 2.
  CHECK(t_test_p(Values{1, 3}) == Approx(1 - 2 / std::numbers::pi * std::atan(2.0)).margin(1e-12));
  CHECK(t_interval_95(Values{1, 3}).high == Approx(2 + 12.7062047).margin(1e-6));
  CHECK(t_test_p(Values{-1, -3}) == t_test_p(Values{1, 3}));
}

TEST_CASE("Student's test needs two seeds and a spread", "[statistics]") {
  CHECK_THROWS_WITH(t_test_p(Values{1}), ContainsSubstring("two seeds, found 1"));
  CHECK_THROWS_WITH(t_interval_95(Values{}), ContainsSubstring("two seeds, found 0"));
  CHECK(t_test_p(Values{1, 1, 1}) == 1);
  CHECK(t_test_p(Values{0, 0}) == 1);
}

TEST_CASE("Holm's correction multiplies by the number of tests that are left, and keeps the order", "[statistics]") {
  const auto adjusted = holm(Values{0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(holm(Values{0.6, 0.6}) == Values{1, 1});
  CHECK(holm(Values{0.04}) == Values{0.04});
  CHECK(holm(Values{}).empty());
}

TEST_CASE("a comparison tests against its bound and estimates the difference itself", "[statistics]") {
  // Six problems, all 0.1 lower: far from 0 for a test, and near -0.1.
  const PairedDifferences lower = differences_of(Values(12, -0.1), 6);
  const Comparison against_0 = compare_by_problem(lower, 0, 400);
  CHECK(against_0.mean == Approx(-0.1));
  CHECK(against_0.high == Approx(-0.1));
  CHECK(against_0.p == 0.03125);
  CHECK(against_0.seed_means.size() == 2);
  const Comparison against_itself = compare_by_problem(lower, -0.1, 400);
  CHECK(against_itself.mean == Approx(-0.1));
  CHECK(against_itself.p == 1);
  const Comparison by_seed = compare_by_seed(Values{1, 2, 3}, 1);
  CHECK(by_seed.mean == 2);
  CHECK(by_seed.p == Approx(t_test_p(Values{0, 1, 2})));
  CHECK(by_seed.low == t_interval_95(Values{1, 2, 3}).low);
  CHECK(by_seed.t_degrees == 2);
}

TEST_CASE("the smallest difference that would have been seen grows with error, margin and number of tests",
          "[statistics]") {
  Comparison c;
  c.standard_error = 0.02;
  CHECK(smallest_difference_seen(c, 0, 1) == Approx(0.02 * (1.959964 + 0.841621)).epsilon(1e-6));
  CHECK(smallest_difference_seen(c, 0, 5) == Approx(0.02 * (2.575829 + 0.841621)).epsilon(1e-6));
  CHECK(smallest_difference_seen(c, 0.1, 1) == Approx(0.1 + 0.02 * 0.841621).epsilon(1e-6));
  c.t_degrees = 2;
  CHECK(smallest_difference_seen(c, 0, 1) == Approx(0.02 * (4.302653 + 1.060660)).epsilon(1e-6));
  c.standard_error = 0;
  CHECK(smallest_difference_seen(c, 0.01, 3) == 0.01);
}

}  // namespace comparison_test
