#include "moe/routing/router/capped_expert_choice.hpp"

#include <cmath>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/router.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace capped_expert_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};
static_assert(MatrixRouter<CappedExpertChoice>);

struct Chosen {
  std::vector<ChoiceOrder> ranks;
  std::vector<double> boundary;
};
template <class Router>
Chosen choose(const Router& router, const std::vector<double>& scores, Index rows, Index take) {
  const Index experts = static_cast<Index>(scores.size()) / rows;
  std::vector<double> z;
  for (const double score : scores) z.push_back(std::log(score));
  Chosen result{std::vector<ChoiceOrder>(scores.size(), 99), std::vector<double>(static_cast<std::size_t>(experts))};
  router.template choose<B, double>(context, {z.data(), rows, experts}, take, {result.ranks.data(), rows, experts},
                                    {result.boundary.data(), 1, experts});
  return result;
}

}  // namespace

TEST_CASE("experts select in index order among the rows below the cap", "[policies]") {
  // Experts 1 and 2 both score row 1 highest, and expert 0 row 0.
  const std::vector<double> scores = {.4, .3, .3, .2, .4, .4, .3, .3, .4};
  const auto capped = choose(CappedExpertChoice{.cap = 1}, scores, 3, 1);
  CHECK(capped.ranks == std::vector<ChoiceOrder>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  const auto two = choose(CappedExpertChoice{.cap = 1}, scores, 3, 2);
  // Expert 0 takes rows 0 and 2, which leaves row 1 for expert 1 and no row for expert 2.
  CHECK(two.ranks == std::vector<ChoiceOrder>{1, 0, 0, 0, 1, 0, 2, 0, 0});
  CHECK(two.boundary[0] == Catch::Approx(.25));
  CHECK(two.boundary[2] == 0);
}

TEST_CASE("with a cap of all experts it equals ExpertChoice", "[policies]") {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Draw draw("capped", i);
    const Index rows = draw.between(1, 12), experts = draw.between(1, 5), take = draw.between(0, rows);
    std::vector<double> scores(static_cast<std::size_t>(rows * experts));
    for (double& score : scores) score = draw.uniform();
    const auto capped = choose(CappedExpertChoice{.cap = experts}, scores, rows, take);
    const auto free = choose(ExpertChoice{}, scores, rows, take);
    CHECK(capped.ranks == free.ranks);
    CHECK(capped.boundary == free.boundary);
  }
}

}  // namespace capped_expert_choice_test
