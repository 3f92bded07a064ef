/// Micro-batches: backward accumulates into the gradient of every weight of every layer.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace accumulation_test {

using namespace moe;
using namespace moe::testing;

using AccumulatingLayers = std::tuple<Qwen15Moe<double, Cpu<>>, TokenExpertChoice<double>, SegmentByOwnMean<double>,
                                      SegmentByPreviousMean<double>, CausalMultiPlMoe<double, Cpu<>, NormalizedFusion>>;

TEMPLATE_LIST_TEST_CASE("a second backward adds to every weight's gradient", "[layers]", AccumulatingLayers) {
  const CpuContext context{.threads = 2};
  auto layer = build<TestType>({.width = 5, .hidden = 6, .experts = 3, .k = 3, .window = 4, .capacity_factor = 100});
  Draw draw("accumulation");
  randomize(draw, layer, 0.7);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 40, 5), d_y_TD = random_matrix<double, Cpu<>>(draw, 40, 5);
  const Batch batch = Batch::ragged({17, 23});
  TestType once = gradient_for(layer), twice = gradient_for(layer);
  const auto add = [&](TestType& gradient) {
    layer.backward(context, d_y_TD, {.balance = 0.3}, layer.forward(context, x_TD, batch).saved, gradient);
  };
  add(once);
  add(twice);
  add(twice);
  for_each_parameter(
      [](const std::string& name, const auto& a, const auto& b) {
        INFO(name);
        double largest = 0, deviation = 0;
        for (Index i = 0; i < a.size(); ++i) {
          largest = std::max(largest, std::abs(a.data()[i]));
          deviation = std::max(deviation, std::abs(b.data()[i] - 2 * a.data()[i]));
        }
        CHECK(largest > 0);
        CHECK(deviation <= 1e-12 * largest);
      },
      once, twice);
}

}  // namespace accumulation_test
