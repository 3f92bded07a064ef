#include "moe/backend/cpu/routing.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace routing_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
using ConstView = View<const double, B>;
const CpuContext context{.threads = 2};

}  // namespace

TEST_CASE("an expert takes the rows with its largest scores, the lower row first among equal scores", "[cpu]") {
  const std::vector<double> scores = {.9, .5, .1, .5, .9, .5, .3, .5};
  Matrix<ChoiceOrder, B> chosen(4, 2);
  Tensor boundary(1, 2);
  const auto choose = [&](Index take) {
    B::top_rows<double>(context, ConstView(scores.data(), 4, 2), take, chosen.view(), boundary.view());
    return std::vector<ChoiceOrder>(chosen.data(), chosen.data() + 8);
  };
  CHECK(choose(2) == std::vector<ChoiceOrder>{1, 1, 0, 2, 2, 0, 0, 0});
  CHECK(boundary.data()[0] == Catch::Approx(0.6));
  CHECK(boundary.data()[1] == 0.5);
  CHECK(choose(1) == std::vector<ChoiceOrder>{1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(boundary.data()[0] == 0.9);
  CHECK(choose(4) == std::vector<ChoiceOrder>{1, 1, 4, 2, 2, 3, 3, 4});
  CHECK(boundary.data()[0] == Catch::Approx(0.05));
  CHECK(choose(0) == std::vector<ChoiceOrder>(8, 0));
  CHECK(boundary.data()[0] == 1);
}

TEST_CASE("a plan lists the pairs by expert and the pairs of each row", "[cpu]") {
  Draw draw("plan");
  for (std::uint32_t i = 0; i < 50; ++i) {
    const Index rows = draw.between(0, 9), experts = draw.between(1, 4);
    Matrix<ChoiceOrder, B> chosen(rows, experts);
    for (Index n = 0; n < chosen.size(); ++n) chosen.data()[n] = static_cast<ChoiceOrder>(draw.between(0, 2));
    const auto plan = B::group_by_expert(context, chosen);
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    REQUIRE(plan.experts() == experts);
    Index pair = 0;
    for (Index e = 0; e < experts; ++e) {
      CHECK(plan.offsets[static_cast<std::size_t>(e)] == pair);
      for (Index t = 0; t < rows; ++t) {
        if (chosen.view()(t, e) == 0) continue;
        REQUIRE(pair < plan.pairs());
        CHECK(plan.rows_1N.data()[pair] == t);
        CHECK(plan.experts_1N.data()[pair] == e);
        ++pair;
      }
    }
    CHECK(plan.pairs() == pair);
    for (Index t = 0; t < rows; ++t) {
      Index last = -1;
      for (Index n = plan.pair_begin_1T.data()[t]; n < plan.pair_begin_1T.data()[t + 1]; ++n) {
        const Index p = plan.pairs_1N.data()[n];
        CHECK(plan.rows_1N.data()[p] == t);
        CHECK(plan.experts_1N.data()[p] > last);
        last = plan.experts_1N.data()[p];
      }
    }
    CHECK(plan.pair_begin_1T.data()[rows] == plan.pairs());
  }
}

}  // namespace routing_test
