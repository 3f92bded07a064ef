#include "multipl_moe/reproduce/run_stage.hpp"

#include "support/catch.hpp"

namespace run_stage_test {

using multipl_moe::reproduce::run_stage_of;
using multipl_moe::reproduce::Stage;

TEST_CASE("a stage's id names its track, seed, system and step", "[reproduce][stages]") {
  const auto stage = [](const char* id) { return Stage{.id = id, .words = {}, .needs = {}, .output = {}}; };
  const auto run = run_stage_of(stage("exercises/seed-12/without-shared/run"));
  REQUIRE(run);
  CHECK(run->track == "exercises");
  CHECK(run->seed == 12);
  CHECK(run->system == "without-shared");
  CHECK(run->step == "run");
  CHECK_FALSE(run_stage_of(stage("exercises/data")));
  CHECK_FALSE(run_stage_of(stage("text/tokenizer/data")));
}

}  // namespace run_stage_test
