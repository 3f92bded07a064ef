#include "moe/routing/router/balanced_assignment.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace balanced_assignment_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

/// The expert of each row, after a check that it has one.
std::vector<Index> assigned(const BalancedAssignment& router, const Matrix<double, B>& z_RE, Index take) {
  Matrix<ChoiceOrder, B> chosen(z_RE.rows(), z_RE.cols());
  Matrix<double, B> prices(1, z_RE.cols());
  router.choose<B, double>(context, z_RE.view(), take, chosen.view(), prices.view());
  std::vector<Index> expert_of;
  std::vector<Index> load(static_cast<std::size_t>(z_RE.cols()), 0);
  for (Index r = 0; r < z_RE.rows(); ++r) {
    const auto row = chosen.view().row(r);
    REQUIRE(std::count(row.begin(), row.end(), 1) == 1);
    REQUIRE(std::count(row.begin(), row.end(), 0) == z_RE.cols() - 1);
    expert_of.push_back(std::find(row.begin(), row.end(), 1) - row.begin());
    ++load[static_cast<std::size_t>(expert_of.back())];
  }
  for (const Index rows : load) CHECK(rows <= take);
  return expert_of;
}

double sum_of(const Matrix<double, B>& z_RE, const std::vector<Index>& expert_of) {
  double sum = 0;
  for (std::size_t r = 0; r < expert_of.size(); ++r) sum += z_RE.view()(static_cast<Index>(r), expert_of[r]);
  return sum;
}

/// The largest possible sum, over all permutations of the rows' assignment.
double largest_sum(const Matrix<double, B>& z_RE, Index take) {
  std::vector<Index> slots;
  for (Index r = 0; r < z_RE.rows(); ++r) slots.push_back(r / take);
  double best = -std::numeric_limits<double>::infinity();
  do best = std::max(best, sum_of(z_RE, slots));
  while (std::next_permutation(slots.begin(), slots.end()));
  return best;
}

}  // namespace

TEST_CASE("rows are assigned evenly, and the sum is within the auction's bound of the largest", "[policies]") {
  for (std::uint32_t i = 0; i < 60; ++i) {
    Draw draw("assignment", i);
    const Index experts = draw.between(1, 4), take = draw.between(1, experts == 4 ? 2 : 3), rows = experts * take;
    auto z = random_matrix<double, B>(draw, rows, experts);
    if (i % 3 == 0)
      for (Index r = 0; r < rows; ++r) z.view()(r, 0) += 4;
    const auto [least, most] = std::minmax_element(z.data(), z.data() + z.size());
    const double step = 0.01 * (*most - *least);
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(sum_of(z, assigned({.step = 0.01}, z, take)) >=
          largest_sum(z, take) - static_cast<double>(rows) * step - 1e-12);
  }
}

TEST_CASE("many rows with the same best expert are spread evenly within the round limit", "[policies]") {
  Draw draw("assignment of many");
  auto z = random_matrix<double, B>(draw, 400, 8);
  for (Index r = 0; r < 400; ++r) z.view()(r, 3) += 5;
  const auto expert_of = assigned({}, z, 50);
  for (Index e = 0; e < 8; ++e) CHECK(std::count(expert_of.begin(), expert_of.end(), e) == 50);
  // With few rounds, or with NaN, the remaining rows are assigned to the free capacity.
  assigned({.most_rounds = 1}, z, 50);
  z.view()(7, 2) = std::numeric_limits<double>::quiet_NaN();
  assigned({.most_rounds = 20}, z, 51);
  assigned({}, Matrix<double, B>(12, 3), 4);
}

TEST_CASE("a capacity that is too small for all rows is refused", "[policies]") {
  const Matrix<double, B> z(9, 2);
  CHECK_THROWS_WITH(assigned({}, z, 4),
                    "[BalancedAssignment] 2 experts with a capacity of 4 rows each cannot take 9 rows");
  CHECK(assigned({}, Matrix<double, B>(0, 2), 0).empty());
}

}  // namespace balanced_assignment_test
