#include "moe/train/freeze.hpp"

#include "support/catch.hpp"

namespace freeze_test {

using namespace moe;

TEST_CASE("patterns match whole names, and a star matches any characters", "[train]") {
  CHECK(name_matches("*", ""));
  CHECK(name_matches("*", "a.b"));
  CHECK(name_matches("a.*.c", "a.b.b.c"));
  CHECK(name_matches("*.experts.1.*", "mlp.experts.1.up_proj.weight"));
  CHECK(name_matches("a*b*c", "aXbXbXc"));
  CHECK_FALSE(name_matches("*.experts.1.*", "mlp.experts.10.up_proj.weight"));
  CHECK_FALSE(name_matches("gate", "gate.weight"));
  CHECK_FALSE(name_matches("", "a"));
  CHECK_FALSE(name_matches("a*b", "ab."));
}

TEST_CASE("a weight trains when a pattern names it and no frozen pattern does", "[train]") {
  const TrainByName everything;
  CHECK(everything("lm_head.weight"));
  const TrainByName routed{.train = {"*.mlp.*"}, .freeze = {"*.experts.0.*", "*.bias"}};
  CHECK(routed("model.layers.3.mlp.experts.1.up_proj.weight"));
  CHECK_FALSE(routed("model.layers.3.mlp.experts.0.up_proj.weight"));
  CHECK_FALSE(routed("model.layers.3.mlp.gate.bias"));
  CHECK_FALSE(routed("model.layers.3.self_attn.q_proj.weight"));
}

}  // namespace freeze_test
