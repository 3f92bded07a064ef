#include "multipl_moe/statistics/information.hpp"

#include <cmath>
#include <numeric>

#include "support/catch.hpp"

namespace information_test {

using namespace multipl_moe::statistics;

namespace {

/// Sequences of these counts, `each` of every group.
GroupedCounts sample_of(const std::vector<std::vector<double>>& by_group, std::size_t outcomes, std::size_t each = 1) {
  GroupedCounts sample{by_group.size(), outcomes, {}, {}};
  for (std::size_t g = 0; g < by_group.size(); ++g)
    for (std::size_t i = 0; i < each; ++i) {
      sample.group.push_back(g);
      sample.counts.push_back(by_group[g]);
    }
  return sample;
}

double mean_of_all(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("information is 0 for equal distributions and log2 of the groups for disjoint ones", "[statistics]") {
  // Amounts of text differ, distributions do not.
  CHECK(information_bits(sample_of({{1, 2, 3}, {10, 20, 30}, {100, 200, 300}}, 3)) == Approx(0).margin(1e-12));
  CHECK(information_bits(sample_of({{5, 0, 0}, {0, 7, 0}, {0, 0, 900}}, 3)) == Approx(std::log2(3)));
  CHECK(information_bits(sample_of({{1, 0}, {0, 1}}, 2, 4)) == Approx(1));
  CHECK(information_bits({}) == 0);
}

TEST_CASE("the information of a table of 2 x 2 is that computed by hand", "[statistics]") {
  // Shares 3/4, 1/4 and 1/4, 3/4, their mean 1/2: 1 bit less the entropy of 1/4, whatever the numbers of rows are.
  const double expected = 1 + 0.75 * std::log2(0.75) + 0.25 * std::log2(0.25);
  CHECK(information_bits(sample_of({{3, 1}, {1, 3}}, 2)) == Approx(expected));
  CHECK(information_bits(sample_of({{3, 1}, {100, 300}}, 2)) == Approx(expected));
}

TEST_CASE("strata are weighted by their share, and a group is no part of those that it has not", "[statistics]") {
  // Two positions, two experts: the first tells all, the second nothing.
  CHECK(information_bits(sample_of({{1, 0, 1, 1}, {0, 1, 1, 1}}, 2)) == Approx(1 / 3.0));
  // Every expert has as many rows in each group, yet the position tells which group takes which.
  CHECK(information_bits(sample_of({{1, 0, 0, 1}, {0, 1, 1, 0}}, 2)) == Approx(1));
  CHECK(information_bits(sample_of({{1, 0, 0, 1}, {0, 1, 1, 0}}, 4)) == Approx(1));
  // Positions alone tell nothing here: at each of them only one group has counts.
  CHECK(information_bits(sample_of({{2, 1, 0, 0}, {0, 0, 1, 2}}, 2)) == Approx(0).margin(1e-12));
}

TEST_CASE("permuted sequences have the information that chance gives", "[statistics]") {
  // Three sequences in each of two groups, each with an expert of its own: of 20 ways to choose three, 2 separate them.
  const GroupedCounts sample = sample_of({{1, 0}, {0, 1}}, 2, 3);
  const std::vector<double> permuted = permuted_information(sample, 4000);
  const auto separated = std::count_if(permuted.begin(), permuted.end(), [](double bits) { return bits > 0.99; });
  CHECK(static_cast<double>(separated) / 4000 == Approx(0.1).margin(0.015));
  // The others have 2 of 3: 1 bit less the entropy of 1/3.
  const double mixed = 1 + std::log2(1 / 3.0) / 3 + 2 * std::log2(2 / 3.0) / 3;
  CHECK(mean_of_all(permuted) == Approx(0.1 + 0.9 * mixed).margin(0.02));
  CHECK(p_of_chance(information_bits(sample), permuted) == Approx(0.1).margin(0.015));
  CHECK(permuted == permuted_information(sample, 4000));
  CHECK(permuted != permuted_information(sample, 4000, 1));
}

TEST_CASE("p is never 0, and 1 if chance always gives as much", "[statistics]") {
  const std::vector<double> by_chance{0.1, 0.2, 0.3};
  CHECK(p_of_chance(1, by_chance) == Approx(0.25));
  CHECK(p_of_chance(0.2, by_chance) == Approx(0.75));
  CHECK(p_of_chance(0, by_chance) == Approx(1));
}

}  // namespace information_test
