#include "moe/routing/gating.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/module.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/shared_top_k.hpp"
#include "moe/routing/router/threshold_choice.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace gating_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Learning = Gating<TrainInfer<ExpertChoice, ThresholdChoice>, SoftmaxOverAll, SegmentCapacity, double, B>;
using Plain = Gating<SharedTopK, SoftmaxOverAll, Unlimited, double, B>;
const CpuContext context;
static_assert(Module<Learning> && Learning::has_thresholds && !Plain::has_thresholds);

}  // namespace

TEST_CASE("thresholds start at 1 / E, take the first boundary, and then follow as a moving average", "[modules]") {
  Learning gating({.infer = {.beta = 0.75}}, {}, {}, 3, 4);
  const auto thresholds = [&] { return values_of(gating.thresholds_E); };
  CHECK(thresholds() == std::vector<double>(4, 0.25));
  const std::vector<double> first = {.5, .1, .2, .3}, second = {.1, .1, .6, .3};
  gating.update_buffers(context, {first.data(), 1, 4});
  CHECK(thresholds() == first);
  gating.update_buffers(context, {second.data(), 1, 4});
  for (std::size_t e = 0; e < 4; ++e)
    CHECK(thresholds()[e] == Catch::Approx(.75 * first[e] + .25 * second[e]).epsilon(1e-14));
  const auto before = thresholds();
  gating.update_buffers(context, {});
  CHECK(thresholds() == before);
}

TEST_CASE("inference compares scores with the thresholds, training with those of the other rows", "[modules]") {
  Learning gating({}, {}, {.factor = 1}, 2, 2);
  Draw draw("gating");
  fill_normal(draw, gating.gate.weight.view());
  const auto x = random_matrix<double, B>(draw, 10, 2);
  const std::vector<double> never = {1, 1}, always = {0, 0};
  gating.update_buffers(context, {never.data(), 1, 2});
  const auto count = [](const Decision<double, B>& d) {
    Index chosen = 0;
    for (Index i = 0; i < d.choice.chosen_RE.size(); ++i) {
      chosen += d.choice.chosen_RE.data()[i] != 0;
      CHECK((d.gates_RE.data()[i] > 0) == (d.choice.chosen_RE.data()[i] != 0));
    }
    return chosen;
  };
  CHECK(count(gating.decide<Training>(context, x, {})) == 10);
  CHECK(count(gating.decide<Inference>(context, x, {})) == 0);
  Learning fresh({}, {}, {.factor = 1}, 2, 2);
  fresh.update_buffers(context, {always.data(), 1, 2});
  CHECK(count(fresh.decide<Inference>(context, x, {})) == 20);
}

TEST_CASE("parameters and buffers are listed separately", "[modules]") {
  std::vector<std::string> weights, buffers;
  const Learning gating({}, {}, {}, 3, 4);
  Learning::visit_parameters([&](const std::string& name, const auto&) { weights.push_back(name); }, std::string("p."),
                             gating);
  Learning::visit_buffers([&](const std::string& name, const auto&) { buffers.push_back(name); }, std::string("p."),
                          gating);
  CHECK(weights == std::vector<std::string>{"p.gate.weight"});
  CHECK(buffers == std::vector<std::string>{"p.thresholds", "p.threshold_updates"});
}

TEST_CASE("a shared expert that does not exist is refused", "[modules]") {
  for (const Index shared : {-2, 4})
    CHECK_THROWS_WITH(Plain({.k = 2, .shared = shared}, {}, {}, 3, 4),
                      "[SharedTopK] the shared expert's index must lie in [0, 4), got " + std::to_string(shared));
  CHECK_NOTHROW(Plain({.k = 2, .shared = 3}, {}, {}, 3, 4));
}

}  // namespace gating_test
