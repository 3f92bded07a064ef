#include "multipl_moe/model/census.hpp"

#include "support/catch.hpp"

using namespace multipl_moe;

namespace {

Census census(const char* architecture) {
  ModelConfig config = size_named("qwen1.5-1.8b");
  config.moe = mixture_named(architecture);
  return census_of(config);
}

}  // namespace

TEST_CASE("the systems of the paper's Table 1 have its parameters", "[model]") {
  CHECK(census("dense").total == 1836828672);
  CHECK(census("dense").active == 1836828672);
  for (const char* name : {"multipl-moe", "causal-multipl-moe"}) {
    CHECK(census(name).total == 10764994560);
    CHECK(census(name).active == 3460614144);
    CHECK(census(name).trainable == 8928165888);
  }
  CHECK(census("multipl-moe").first_segments == 0);
  CHECK(census("causal-multipl-moe").first_segments == 24 * 2048);
  CHECK(census("gshard").total == 10764994560);
  CHECK(census("gshard").active == 3460614144);
  CHECK(census("mixtral").total == 7518406656);
  CHECK(census("mixtral").active == 2648819712);
  CHECK(census("qwen1.5-moe").total == 14315784192);
  CHECK(census("qwen1.5-moe").active == 2689173504);
}

TEST_CASE("the parts add up to the whole", "[model]") {
  for (const char* name : {"dense", "multipl-moe", "gshard", "qwen1.5-moe"}) {
    const Census c = census(name);
    CHECK(c.embedding + c.attention + c.experts + c.routers + c.norms == c.total);
  }
}
