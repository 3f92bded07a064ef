#include "multipl_moe/reproduce/schedule.hpp"

#include "support/catch.hpp"

namespace schedule_test {

using namespace multipl_moe::reproduce;

TEST_CASE("with several jobs a plan takes as long as its longest chain, or its share of the work",
          "[reproduce][plan]") {
  const auto stage = [](const std::string& id, double seconds, std::vector<std::string> needs) {
    return Stage{
        .id = id, .words = {"x"}, .needs = std::move(needs), .output = id, .prints = false, .seconds = seconds};
  };
  Plan plan;
  plan.stages = {stage("data", 1, {}),       stage("a", 10, {"data"}),    stage("a_scores", 2, {"a"}),
                 stage("b", 4, {"data"}),    stage("b_scores", 2, {"b"}), stage("c", 3, {"data"}),
                 stage("c_scores", 2, {"c"})};
  CHECK(duration_of(plan, 1) == 24);
  // a from 1 to 11; beside it b, its scores, c until 10, its scores until 12; the scores of a until 13.
  CHECK(duration_of(plan, 2) == 13);
  CHECK(duration_of(plan, 100) == 13);
}

}  // namespace schedule_test
