#include "moe/routing/router/identical_rows.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/router/capped_expert_choice.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "support/catch.hpp"

namespace identical_rows_test {

using namespace moe;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 1};

struct Taken {
  std::vector<ChoiceOrder> ranks;
  double boundary = 0;
};
/// The choices of one expert with these scores, which selects `take` rows; `alike` marks identical rows.
Taken taken(const std::vector<double>& scores, const std::vector<Index>& alike, Index take) {
  const auto rows = static_cast<Index>(scores.size());
  Taken result{std::vector<ChoiceOrder>(scores.size(), 99), 0};
  const View<const double, B> scores_R1(scores.data(), rows, 1);
  const View<ChoiceOrder, B> chosen_R1(result.ranks.data(), rows, 1);
  const View<double, B> boundary_1(&result.boundary, 1, 1);
  B::top_rows(context, scores_R1, take, chosen_R1, boundary_1);
  select_identical_rows_together<B, double>(context, scores_R1, {alike.data(), 1, static_cast<Index>(alike.size())},
                                            chosen_R1, boundary_1);
  return result;
}

}  // namespace

TEST_CASE("identical rows are selected together, after the rows with higher scores", "[policies]") {
  const std::vector<double> scores = {.25, .5, .25, .125, .25, .75};
  const std::vector<Index> alike = {1, 0, 1, 0, 1, 0};
  // The cutoff falls among the identical rows: all three are selected, and the boundary is below them.
  for (const Index take : {3, 4}) {
    const auto all = taken(scores, alike, take);
    CHECK(all.ranks == std::vector<ChoiceOrder>{3, 2, 3, 0, 3, 1});
    CHECK(all.boundary == (.25 + .125) / 2);
  }
  // The cutoff is above or below them: the selection is unchanged, and they share one choice order.
  const auto none = taken(scores, alike, 2);
  CHECK(none.ranks == std::vector<ChoiceOrder>{0, 2, 0, 0, 0, 1});
  CHECK(none.boundary == (.5 + .25) / 2);
  const auto in = taken(scores, alike, 5);
  CHECK(in.ranks == std::vector<ChoiceOrder>{3, 2, 3, 0, 3, 1});
  CHECK(in.boundary == (.25 + .125) / 2);
  CHECK(taken(scores, alike, 0).ranks == std::vector<ChoiceOrder>(6, 0));
  CHECK(taken(scores, alike, 0).boundary == 1);
  CHECK(taken({.5, .5}, {1, 1}, 1).boundary == .25);
}

TEST_CASE("rows that are not marked as identical follow the rule for ties", "[policies]") {
  const std::vector<double> scores = {.25, .5, .25, .25};
  CHECK(taken(scores, {}, 2).ranks == std::vector<ChoiceOrder>{2, 1, 0, 0});
  CHECK(taken(scores, {0, 0, 1, 1}, 2).ranks == std::vector<ChoiceOrder>{2, 1, 0, 0});
  CHECK(taken(scores, {0, 0, 1, 1}, 3).ranks == std::vector<ChoiceOrder>{2, 1, 3, 3});
}

TEST_CASE("the cap on experts per row counts identical rows as one", "[policies]") {
  // Rows 0 and 2 are identical; a row may have two experts. Expert 0 scores row 1 highest, the others rows 0 and 2.
  const std::vector<double> z = {2, 2, 2, 2, 3, 0, 0, 0, 2, 2, 2, 2};
  const std::vector<Index> alike = {1, 0, 1};
  std::vector<ChoiceOrder> orders(12, 99);
  std::vector<double> boundary(4);
  const auto choose = [&](const auto& router) {
    router.template choose<B, double>(context, {z.data(), 3, 4}, 1, {orders.data(), 3, 4}, {boundary.data(), 1, 4},
                                      RowsContext<B>{{alike.data(), 1, 3}, {}});
    return orders;
  };
  CHECK(choose(CappedExpertChoice{.cap = 2}) == std::vector<ChoiceOrder>{0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0});
  CHECK(choose(CappedExpertChoice{.cap = 3}) == std::vector<ChoiceOrder>{0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1});
  CHECK(choose(ExpertChoice{}) == std::vector<ChoiceOrder>{0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1});
}

}  // namespace identical_rows_test
