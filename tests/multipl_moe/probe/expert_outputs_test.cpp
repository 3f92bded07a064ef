#include "multipl_moe/probe/expert_outputs.hpp"

#include "support/catch.hpp"

namespace expert_outputs_test {

using namespace multipl_moe::probe;

TEST_CASE("the down projection of an expert has its layer, kind and number", "[probe]") {
  CHECK(expert_of_output("model.layers.0.mlp.token.experts.4.down_proj.weight") ==
        ExpertPlace{0, ExpertKind::token, 4});
  CHECK(expert_of_output("model.layers.23.mlp.segment.experts.11.down_proj.weight") ==
        ExpertPlace{23, ExpertKind::segment, 11});
  CHECK(expert_of_output("model.layers.1.mlp.experts.59.down_proj.weight") == ExpertPlace{1, ExpertKind::token, 59});
  CHECK(expert_of_output("model.layers.2.mlp.shared_expert.down_proj.weight") == ExpertPlace{2, ExpertKind::shared, 0});
}

TEST_CASE("no other tensor makes the output of an expert", "[probe]") {
  for (const char* name :
       {"model.layers.0.mlp.down_proj.weight", "model.layers.0.mlp.experts.4.up_proj.weight",
        "model.layers.0.mlp.gate.weight", "model.layers.0.mlp.shared_expert_gate.weight",
        "model.layers.0.mlp.down_proj.adapters.3.lora_A.weight", "model.layers.x.mlp.experts.4.down_proj.weight",
        "model.layers.0.mlp.experts..down_proj.weight", "model.layers.0.mlp.experts.4.down_proj.weight.grad",
        "lm_head.weight", ""}) {
    INFO(name);
    CHECK_FALSE(expert_of_output(name));
  }
}

}  // namespace expert_outputs_test
