#include "moe/routing/router/expert_groups.hpp"

#include <vector>

#include "moe/routing/router/best_scores.hpp"
#include "support/catch.hpp"

namespace expert_groups_test {

using namespace moe;

namespace {
std::vector<ChoiceOrder> kept(const ExpertGroups& groups, const std::vector<double>& worth_of_first) {
  std::vector<ChoiceOrder> chosen(worth_of_first.size(), 9);
  groups.keep_best({chosen.data(), static_cast<Index>(chosen.size())},
                   [&](Index begin, Index) { return worth_of_first[static_cast<std::size_t>(begin)]; });
  return chosen;
}
}  // namespace

TEST_CASE("experts of the best groups stay undecided, and all others are excluded", "[policies]") {
  const ChoiceOrder u = undecided;
  CHECK(kept({.count = 3, .kept = 2}, {1, 0, 3, 0, 2, 0}) == std::vector<ChoiceOrder>{0, 0, u, u, u, u});
  CHECK(kept({.count = 2, .kept = 1}, {4, 0, 4, 0}) == std::vector<ChoiceOrder>{u, u, 0, 0});
  CHECK(kept({}, {1, 2}) == std::vector<ChoiceOrder>{u, u});
}

TEST_CASE("a row gets no more choices than its groups have experts", "[policies]") {
  CHECK(ExpertGroups{.count = 4, .kept = 1}.choices(3, 8) == 2);
  CHECK(ExpertGroups{.count = 4, .kept = 2}.choices(3, 8) == 3);
  CHECK(ExpertGroups{}.choices(9, 8) == 8);
}

TEST_CASE("groups that do not fit are refused with the numbers", "[policies]") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH((ExpertGroups{.count = 3, .kept = 1}.require_fits("R", 8)),
                    Contains("groups must divide the experts, got 3 and 8"));
  CHECK_THROWS_WITH((ExpertGroups{.count = 2, .kept = 3}.require_fits("R", 8)),
                    Contains("kept_groups must lie in [1, 2], got 3"));
  CHECK_NOTHROW(ExpertGroups{.count = 2, .kept = 2}.require_fits("R", 8));
}

}  // namespace expert_groups_test
