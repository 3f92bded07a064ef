#include "moe/train/freeze.hpp"

#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace frozen_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("frozen weights get no gradient, and all other gradients are bitwise identical", "[layers][frozen]",
                   (CausalMultiPlMoe<double, Cpu<>, NormalizedFusion>), (Qwen15Moe<double, Cpu<>>)) {
  const CpuContext context{.threads = 2};
  Draw draw("frozen");
  auto layer = build<TestType>({.width = 5, .hidden = 6, .experts = 3, .k = 2, .window = 3});
  randomize(draw, layer);
  const Batch batch = Batch::ragged({11, 9});
  const auto x = random_matrix<double, Cpu<>>(draw, 20, 5), c = random_matrix<double, Cpu<>>(draw, 20, 5);
  const auto backward = [&](TestType& gradient) {
    return layer.backward(context, c, {.balance = 0.5}, layer.forward(context, x, batch).saved, gradient);
  };
  TestType whole = gradient_for(layer);
  const auto d_x = backward(whole);

  for (const std::string pattern :
       {"*experts.0.*", "*gate.weight", "*gate_proj*", "*first_segment", "shared_expert*", "*"}) {
    INFO("frozen: " << pattern);
    // Not TrainByName, which refuses a pattern that matches no weight: not every layer has weights of all these names.
    TestType partial = gradient_for(layer, [&](std::string_view name) { return !name_matches(pattern, name); });
    CHECK(same_bits(backward(partial), d_x));
    for_each_parameter(
        [&](const std::string& name, const auto& weight, const auto& d_whole, const auto& d_partial) {
          INFO(name);
          REQUIRE_FALSE(weight.empty());
          if (name_matches(pattern, name))
            CHECK(d_partial.empty());
          else
            CHECK(same_bits<double, Cpu<>>(d_partial, d_whole));
        },
        layer, whole, partial);
  }
}

}  // namespace frozen_test
