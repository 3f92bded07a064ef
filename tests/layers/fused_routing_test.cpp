#include "moe/layers/fused_routing.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace fused_routing_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Hybrid = CausalMultiPlMoe<double, Cpu<>>;
constexpr Sizes sizes{.width = 5, .hidden = 4, .experts = 3, .k = 2, .window = 3};

Hybrid drawn_layer(Draw& draw) {
  auto layer = build<Hybrid>(sizes);
  randomize(draw, layer);
  return layer;
}

/// Records the levels of the observed decisions, in order.
struct Levels {
  std::vector<std::string> seen;
  CpuContext context{.threads = 2};
  Levels() {
    context.observer = [this](const Observation& observed) { seen.emplace_back(observed.level); };
  }
};

}  // namespace

TEST_CASE("a fused route has both levels' pairs, the token level's experts first, each weight times its level's scale",
          "[layers]") {
  const CpuContext context{.threads = 2};
  Draw draw("fused routing");
  const Hybrid layer = drawn_layer(draw);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 9, sizes.width);
  const Batch batch = Batch::ragged({5, 0, 4});
  const Hybrid::Routing fused{layer.token.routing, layer.segment.routing, layer.fusion};
  auto both = fused.route<Inference>(context, x_TD, batch);
  auto token = arrived<double, Cpu<>>(context, layer.token.routing.route<Inference>(context, x_TD, batch).route);
  auto segment = arrived<double, Cpu<>>(context, layer.segment.routing.route<Inference>(context, x_TD, batch).route);
  both.route.plan.complete();
  token.plan.complete();
  segment.plan.complete();

  const Index of_token = token.plan.pairs();
  REQUIRE(of_token > 0);
  REQUIRE(segment.plan.pairs() > 0);
  CHECK(both.route.plan.pairs() == of_token + segment.plan.pairs());
  CHECK(both.route.plan.experts() == token.plan.experts() + segment.plan.experts());
  const auto scale_T2 = both.saved.scale_T2.const_view();
  for (Index n = 0; n < both.route.plan.pairs(); ++n) {
    INFO("pair " << n);
    const bool is_token = n < of_token;
    const auto& own = is_token ? token : segment;
    const Index own_n = is_token ? n : n - of_token;
    const Index row = own.plan.rows_1N.const_view()(0, own_n);
    CHECK(both.route.plan.rows_1N.const_view()(0, n) == row);
    CHECK(both.route.plan.experts_1N.const_view()(0, n) ==
          own.plan.experts_1N.const_view()(0, own_n) + (is_token ? 0 : token.plan.experts()));
    CHECK(both.route.weights_1N.const_view()(0, n) ==
          own.weights_1N.const_view()(0, own_n) * scale_T2(row, is_token ? 0 : 1));
  }
}

TEST_CASE("prefill and decode route each level once", "[layers]") {
  Draw draw("fused routing, decoding");
  const Hybrid layer = drawn_layer(draw);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 9, sizes.width), x_BD = random_matrix<double, Cpu<>>(draw, 3, 5);
  Levels levels;
  auto state = layer.begin_decoding(levels.context, 3);
  CHECK(levels.seen.empty());
  layer.prefill(levels.context, x_TD, Batch::ragged({4, 3, 2}), state);
  CHECK(levels.seen == std::vector<std::string>{"token", "segment"});
  levels.seen.clear();
  layer.decode(levels.context, x_BD, {}, state);
  CHECK(levels.seen == std::vector<std::string>{"token", "segment"});
}

}  // namespace fused_routing_test
