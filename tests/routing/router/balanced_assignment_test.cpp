#include "moe/routing/router/balanced_assignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
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

/// What the router computes.
template <class Real = double>
struct Result {
  Matrix<ChoiceOrder, B> chosen_RE;
  Matrix<Real, B> prices_1E;
  Index bids = 0;
};
template <class Real>
Result<Real> result_of(const BalancedAssignment& router, const Matrix<Real, B>& z_RE, Index take,
                       const CpuContext& on = context) {
  Result<Real> result{Matrix<ChoiceOrder, B>(z_RE.rows(), z_RE.cols()), Matrix<Real, B>(1, z_RE.cols())};
  result.bids = router.choose<B, Real>(on, z_RE.const_view(), take, result.chosen_RE.view(), result.prices_1E.view());
  return result;
}

/// The expert of each row, after a check that it has one.
std::vector<Index> experts_of(const Matrix<ChoiceOrder, B>& chosen, Index take) {
  std::vector<Index> expert_of, load(static_cast<std::size_t>(chosen.cols()), 0);
  for (Index r = 0; r < chosen.rows(); ++r) {
    const auto row = chosen.view().row(r);
    REQUIRE(std::count(row.begin(), row.end(), 1) == 1);
    REQUIRE(std::count(row.begin(), row.end(), 0) == chosen.cols() - 1);
    expert_of.push_back(std::find(row.begin(), row.end(), 1) - row.begin());
    ++load[static_cast<std::size_t>(expert_of.back())];
  }
  for (const Index rows : load) CHECK(rows <= take);
  return expert_of;
}
std::vector<Index> assigned(const BalancedAssignment& router, const Matrix<double, B>& z_RE, Index take) {
  return experts_of(result_of(router, z_RE, take).chosen_RE, take);
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

/// The largest possible sum, by shortest paths: each row takes a free slot, and rows on the way to it change experts.
double largest_sum_by_paths(const Matrix<double, B>& z_RE, Index take) {
  const Index rows = z_RE.rows(), experts = z_RE.cols();
  const auto z = z_RE.view();
  std::vector<std::vector<Index>> rows_of(static_cast<std::size_t>(experts));
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  double sum = 0;
  for (Index r = 0; r < rows; ++r) {
    // The most that the sum gains if this row, or one that it displaces, comes to an expert, and who moves there.
    std::vector<double> gain(at(experts));
    std::vector<Index> mover(at(experts), r), from(at(experts), -1);
    for (Index e = 0; e < experts; ++e) gain[at(e)] = z(r, e);
    for (bool changed = true; std::exchange(changed, false);)
      for (Index e = 0; e < experts; ++e)
        for (const Index moves : rows_of[at(e)])
          for (Index to = 0; to < experts; ++to)
            if (const double new_gain = gain[at(e)] + z(moves, to) - z(moves, e); new_gain > gain[at(to)] + 1e-9)
              gain[at(to)] = new_gain, mover[at(to)] = moves, from[at(to)] = e, changed = true;
    Index end = -1;
    for (Index e = 0; e < experts; ++e)
      if (static_cast<Index>(rows_of[at(e)].size()) < take && (end < 0 || gain[at(e)] > gain[at(end)])) end = e;
    sum += gain[at(end)];
    for (Index e = end; e >= 0; e = from[at(e)]) {
      rows_of[at(e)].push_back(mover[at(e)]);
      if (from[at(e)] >= 0) std::erase(rows_of[at(from[at(e)])], mover[at(e)]);
    }
  }
  return sum;
}

/// Logits of the kinds that an auction finds easy and hard.
enum class Kind { normal, skewed, ties, repeated_rows, all_but_one, identical };
template <class Real = double>
Matrix<Real, B> logits(Kind kind, Draw& draw, Index rows, Index experts) {
  auto z = random_matrix<Real, B>(draw, rows, experts);
  for (Index r = 0; r < rows; ++r)
    for (Index e = 0; e < experts; ++e) {
      Real& value = z.view()(r, e);
      if (kind == Kind::skewed) value += static_cast<Real>(e < 1 + experts / 8 ? 3 : 0);
      if (kind == Kind::ties) value = std::round(value);
      if (kind == Kind::repeated_rows && r >= 7) value = z.view()(r % 7, e);
      if (kind == Kind::all_but_one) value = static_cast<Real>(e + 1 < experts);
      if (kind == Kind::identical) value = static_cast<Real>(-e) / static_cast<Real>(experts);
    }
  return z;
}
constexpr Kind kinds[] = {Kind::normal,        Kind::skewed,      Kind::ties,
                          Kind::repeated_rows, Kind::all_but_one, Kind::identical};

template <class Real>
double range_of(const Matrix<Real, B>& z) {
  const auto [least, most] = std::minmax_element(z.data(), z.data() + z.size());
  return static_cast<double>(*most) - static_cast<double>(*least);
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

TEST_CASE("with up to 200 rows, ties, skew and spare capacity the sum is within the bound of the largest",
          "[policies]") {
  for (std::uint32_t i = 0; i < 36; ++i) {
    Draw draw("assignment and paths", i);
    const Kind kind = kinds[i % 6];
    const Index experts = draw.between(2, 12), rows = draw.between(1, i < 6 ? 200 : 60),
                take = (rows + experts - 1) / experts + draw.between(0, 1) * draw.between(0, rows);
    const auto z = logits(kind, draw, rows, experts);
    const double step = i % 2 == 0 ? 0.02 : 0.003;
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    const double sum = sum_of(z, assigned({.step = step}, z, take)), largest = largest_sum_by_paths(z, take);
    CHECK(sum <= largest + 1e-6);
    CHECK(sum >= largest - static_cast<double>(rows) * step * range_of(z) - 1e-6);
  }
}

TEST_CASE("the prices prove the bound: no row gains more than the least bid elsewhere", "[policies]") {
  for (const Kind kind : kinds) {
    Draw draw("assignment by prices", static_cast<std::uint32_t>(kind));
    const Index rows = 700, experts = 96, take = kind == Kind::skewed ? 12 : 8;
    const auto z = logits<float>(kind, draw, rows, experts);
    const auto result = result_of({}, z, take);
    const auto expert_of = experts_of(result.chosen_RE, take);
    const float* price = result.prices_1E.data();
    const double least = 0.02 * range_of(z);
    for (Index r = 0; r < rows; ++r) {
      const Index own = expert_of[static_cast<std::size_t>(r)];
      for (Index e = 0; e < experts; ++e) {
        if (z.view()(r, own) - price[own] >= z.view()(r, e) - price[e] - least - 1e-5) continue;
        FAIL_CHECK("kind " << static_cast<int>(kind) << ", row " << r << ", expert " << e);
      }
    }
    for (Index e = 0; e < experts; ++e) {
      CHECK(price[e] >= 0);
      if (std::count(expert_of.begin(), expert_of.end(), e) < take) CHECK(price[e] == 0);
    }
  }
}

TEST_CASE("128 experts take few bids per row, and hard logits about 1 / step", "[policies]") {
  for (const Kind kind : kinds) {
    Draw draw("number of bids", static_cast<std::uint32_t>(kind));
    const auto result = result_of({}, logits<float>(kind, draw, 2048, 128), 16);
    INFO("kind " << static_cast<int>(kind) << ", MOE_TEST_SEED=" << seed());
    CHECK(result.bids <= (kind <= Kind::ties ? 8 : 100) * 2048);
  }
  // Rows with equal logits prefer different experts.
  CHECK(result_of({}, Matrix<float, B>(2048, 128), 16).bids == 2048);
  Draw draw("limit of bids");
  const auto hard = logits<float>(Kind::all_but_one, draw, 2048, 128);
  CHECK(result_of({.most_rounds = 3}, hard, 16).bids == 3 * 2048);
  CHECK(result_of({.most_rounds = 0}, hard, 16).bids == 0);
  // A step below the precision of the logits counts as that precision, so that every bid raises the price.
  auto two = Matrix<float, B>(5, 2);
  for (Index r = 0; r < 5; ++r) two.view()(r, 0) = 1;
  CHECK(result_of({.step = 1e-30, .most_rounds = std::numeric_limits<Index>::max()}, two, 3).bids <= 5 * (1 << 20));
}

TEST_CASE("rows with infinite logits and NaN get an expert, and do not disturb the others", "[policies]") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  Draw draw("assignment of infinite logits");
  auto z = random_matrix<double, B>(draw, 300, 6);
  // The first rows may go to expert 2 alone, too many for it; then come rows without any finite logit.
  for (Index e = 0; e < 6; ++e) {
    for (Index r = 0; r < 70; ++r)
      if (e != 2) z.view()(r, e) = -inf;
    for (Index r = 70; r < 80; ++r) z.view()(r, e) = nan;
    for (Index r = 80; r < 90; ++r) z.view()(r, e) = -inf;
    for (Index r = 90; r < 100; ++r) z.view()(r, e) = inf;
  }
  const auto masked = result_of({}, z, 60);
  const auto expert_of = experts_of(masked.chosen_RE, 60);
  CHECK(std::count(expert_of.begin(), expert_of.begin() + 70, 2) == 60);
  CHECK(masked.bids <= 20 * 300);
  for (const double value : {nan, inf, -inf, 1e308}) {
    Matrix<double, B> all(40, 5);
    std::fill_n(all.data(), all.size(), value);
    assigned({}, all, 8);
    all.view()(3, 3) = -1e308;
    assigned({}, all, 9);
  }
}

TEST_CASE("choices and prices are bitwise identical for any number of threads", "[policies]") {
  for (const Kind kind : kinds) {
    Draw draw("assignment by threads", static_cast<std::uint32_t>(kind));
    const auto z = logits<float>(kind, draw, 1000, 70);
    const auto one = result_of({}, z, 15, CpuContext{.threads = 1}),
               many = result_of({}, z, 15, CpuContext{.threads = 5});
    CHECK(same_bits(one.prices_1E, many.prices_1E));
    CHECK(same_bits(one.chosen_RE, many.chosen_RE));
    CHECK(one.bids == many.bids);
  }
}

}  // namespace balanced_assignment_test
