#include "moe/routing/router/best_scores.hpp"

#include <vector>

#include "support/catch.hpp"

namespace best_scores_test {

using namespace moe;

namespace {
std::vector<ChoiceOrder> best(std::vector<double> scores, Index k) {
  std::vector<ChoiceOrder> chosen(scores.size(), 9);
  choose_best_scores({chosen.data(), static_cast<Index>(chosen.size())}, k,
                     [&](Index e) { return scores[static_cast<std::size_t>(e)]; });
  return chosen;
}
}  // namespace

TEST_CASE("the best scores are selected in order, lower indices first among equals", "[policies]") {
  CHECK(best({1, 3, 2}, 2) == std::vector<ChoiceOrder>{0, 1, 2});
  CHECK(best({5, 5, 5}, 2) == std::vector<ChoiceOrder>{1, 2, 0});
  CHECK(best({1, 2}, 5) == std::vector<ChoiceOrder>{2, 1});
  CHECK(best({1, 2}, 0) == std::vector<ChoiceOrder>{0, 0});
}

TEST_CASE("excluded experts are not selected, whatever their score", "[policies]") {
  std::vector<ChoiceOrder> chosen = {0, undecided, undecided};
  choose_best_undecided({chosen.data(), 3}, 1, [](Index e) { return -static_cast<double>(e); });
  CHECK(chosen == std::vector<ChoiceOrder>{0, 1, 0});
}

}  // namespace best_scores_test
