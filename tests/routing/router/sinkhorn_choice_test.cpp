#include "moe/routing/router/sinkhorn_choice.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace sinkhorn_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

std::vector<ChoiceOrder> balanced(const SinkhornChoice& router, const Matrix<double, B>& logits_RE) {
  Matrix<ChoiceOrder, B> chosen(logits_RE.rows(), logits_RE.cols());
  Matrix<double, B> boundary(1, logits_RE.cols());
  router.choose<B, double>(context, logits_RE.view(), 0, chosen.view(), boundary.view());
  return {chosen.data(), chosen.data() + chosen.size()};
}

}  // namespace

TEST_CASE("rows select by weights that are scaled to even row and column sums", "[policies]") {
  Draw draw("sinkhorn");
  const Index rows = 40, experts = 5;
  auto z = random_matrix<double, B>(draw, rows, experts);
  // Most rows have their largest logit at expert 2.
  for (Index r = 0; r < rows; ++r) z.view()(r, 2) += 3;

  // The same in plain loops, starting from the unscaled weights.
  std::vector<double> column(5, 1.0);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> sums(5, 0.0);
    for (Index r = 0; r < rows; ++r) {
      double total = 0;
      for (Index e = 0; e < experts; ++e) total += column[static_cast<std::size_t>(e)] * std::exp(z.view()(r, e));
      for (Index e = 0; e < experts; ++e)
        sums[static_cast<std::size_t>(e)] += std::exp(z.view()(r, e)) / total / static_cast<double>(rows);
    }
    for (std::size_t e = 0; e < 5; ++e) column[e] = 1 / (5 * sums[e]);
  }
  const auto chosen = balanced({.k = 1}, z);
  std::vector<int> load(5, 0);
  for (Index r = 0; r < rows; ++r) {
    Index best = 0;
    for (Index e = 1; e < experts; ++e)
      if (column[static_cast<std::size_t>(e)] * std::exp(z.view()(r, e)) >
          column[static_cast<std::size_t>(best)] * std::exp(z.view()(r, best)))
        best = e;
    for (Index e = 0; e < experts; ++e) CHECK(chosen[static_cast<std::size_t>(r * experts + e)] == (e == best ? 1 : 0));
    ++load[static_cast<std::size_t>(best)];
  }
  CHECK(load[2] < 16);
  CHECK(*std::min_element(load.begin(), load.end()) >= 3);
}

TEST_CASE("large logits, no rows and a column of vanishing weights stay finite", "[policies]") {
  Matrix<double, B> z(4, 3);
  for (Index r = 0; r < 4; ++r) z.view()(r, 0) = 1e4, z.view()(r, 1) = static_cast<double>(r), z.view()(r, 2) = -1e4;
  const auto chosen = balanced({.k = 2}, z);
  for (auto row = chosen.begin(); row != chosen.end(); row += 3) CHECK(std::count(row, row + 3, 0) == 1);
  CHECK(balanced({}, Matrix<double, B>(0, 3)).empty());
}

}  // namespace sinkhorn_choice_test
