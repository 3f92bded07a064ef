/// NaN and infinities in inputs, weights and gradients: loads stay within their bounds, results are the same for any
/// number of threads, the gradient norm is not finite either, and results are as before once the value is removed.
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "moe/train/clip.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace not_finite_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Tensor = Matrix<float, Cpu<>>;
using Layers = std::tuple<Mixtral<float, Cpu<>>, Qwen15Moe<float, Cpu<>>, TokenExpertChoice<float>,
                          SegmentByOwnMean<float>, SegmentByPreviousMean<float>, SegmentTopK<float>,
                          MultiPlMoe<float, Cpu<>>, CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
// Two tiles of rows, and a capacity for all of them at every expert.
const Index rows = 40;
const Sizes sizes{.width = 5, .hidden = 6, .experts = 3, .k = 2, .window = 4, .capacity_factor = 100};
const Batch batch = Batch::ragged({17, 23});

bool is_finite(const Tensor& tensor) {
  for (Index i = 0; i < tensor.size(); ++i)
    if (!std::isfinite(tensor.data()[i])) return false;
  return true;
}

template <class Stats>
void check_loads(const Stats& stats) {
  if constexpr (requires { stats.token; }) {
    check_loads(stats.token);
    check_loads(stats.segment);
  } else {
    CHECK(stats.load.size() == static_cast<std::size_t>(sizes.experts));
    for (const Index load : stats.load) CHECK((load >= 0 && load <= rows));
  }
}

template <class Layer>
struct Step {
  Tensor y_TD, d_x_TD, inferred_TD;
  Layer gradient;
  double norm = 0;

  Step(const Layer& layer, const Tensor& x_TD, const Tensor& d_y_TD, int threads) : gradient(gradient_for(layer)) {
    const CpuContext context{.threads = threads};
    auto run = layer.forward(context, x_TD, batch);
    check_loads(run.stats);
    y_TD = std::move(run.output);
    d_x_TD = layer.backward(context, d_y_TD, {.balance = 0.1}, std::move(run.saved), gradient);
    norm = global_norm(context, gradient);
    inferred_TD = layer.infer(context, x_TD, batch);
    if constexpr (Layer::is_causal) {
      auto state = layer.begin_decoding(context, 1);
      for (Index t = 0; t < 9; ++t)
        CHECK(layer.decode(context, x_TD.view().rows_between(t, t + 1), {}, state).rows() == 1);
    }
  }

  bool same_bits(const Step& other) const {
    bool same = testing::same_bits(y_TD, other.y_TD) && testing::same_bits(d_x_TD, other.d_x_TD) &&
                testing::same_bits(inferred_TD, other.inferred_TD);
    for_each_tensor([&](const auto& a, const auto& b) { same = same && testing::same_bits<float, Cpu<>>(a, b); },
                    gradient, other.gradient);
    return same;
  }
};

/// Replaces `value` by `bad` for a step, and checks what must hold for any value.
template <class Layer>
void with_bad_value(const Layer& layer, const Tensor& x_TD, const Tensor& d_y_TD, float& value, float bad,
                    const std::string& place, const auto& check) {
  INFO(bad << " in " << place << ", MOE_TEST_SEED=" << seed());
  const Step before(layer, x_TD, d_y_TD, 1);
  const float kept = value;
  value = bad;
  const Step once(layer, x_TD, d_y_TD, 1), again(layer, x_TD, d_y_TD, 3);
  CHECK(once.same_bits(again));
  check(once);
  value = kept;
  CHECK(Step(layer, x_TD, d_y_TD, 1).same_bits(before));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("values that are not finite give deterministic results and a gradient norm that is not finite",
                        "[layers][misuse]", Layers) {
  auto layer = build<TestType>(sizes);
  Draw draw("not finite");
  randomize(draw, layer, 0.7);
  auto x_TD = random_matrix<float, Cpu<>>(draw, rows, sizes.width),
       d_y_TD = random_matrix<float, Cpu<>>(draw, rows, sizes.width);
  CHECK(std::isfinite(Step(layer, x_TD, d_y_TD, 2).norm));
  const auto norm_tells = [](const auto& step) { CHECK_FALSE(std::isfinite(step.norm)); };
  for (const float bad : {not_a_number, inf, -inf}) {
    // The first row, one in the middle of a window, and the last.
    for (const Index row : {Index{0}, Index{18}, rows - 1}) {
      const std::string where = "row " + std::to_string(row);
      with_bad_value(layer, x_TD, d_y_TD, x_TD.view()(row, 2), bad, "x, " + where, norm_tells);
      with_bad_value(layer, x_TD, d_y_TD, d_y_TD.view()(row, 2), bad, "d_y, " + where, norm_tells);
    }
    for_each_parameter(
        [&](const std::string& name, auto& weight) {
          // An expert without rows may hold any value; a value that reaches the output must reach the norm.
          with_bad_value(layer, x_TD, d_y_TD, weight.view()(0, weight.cols() / 2), bad, name, [](const auto& step) {
            if (!is_finite(step.y_TD)) CHECK_FALSE(std::isfinite(step.norm));
            CHECK_FALSE((is_finite(step.y_TD) && is_finite(step.d_x_TD) && !std::isfinite(step.norm)));
          });
        },
        layer);
  }
}

TEST_CASE("experts select numbers before NaN, and as many rows as their capacity", "[layers][misuse]") {
  const CpuContext context;
  const std::vector<float> scores = {not_a_number, 0.25f, not_a_number, 0.5f, -inf, inf, not_a_number, 0.25f};
  for (Index take = 0; take <= 4; ++take) {
    Matrix<ChoiceOrder, Cpu<>> chosen(4, 2);
    Tensor boundary(1, 2);
    Cpu<>::top_rows<float>(context, {scores.data(), 4, 2}, take, chosen.view(), boundary.view());
    // By column: -inf is the only number of the first; the second is inf, 0.5, 0.25, 0.25 in descending order.
    const std::vector<ChoiceOrder> first = {2, 3, 1, 4}, second = {3, 2, 1, 4};
    for (Index r = 0; r < 4; ++r) {
      const auto order = [&](const std::vector<ChoiceOrder>& orders) {
        const ChoiceOrder all = orders[static_cast<std::size_t>(r)];
        return all <= take ? all : 0;
      };
      CHECK(chosen.view()(r, 0) == order(first));
      CHECK(chosen.view()(r, 1) == order(second));
    }
  }
}

}  // namespace not_finite_test
