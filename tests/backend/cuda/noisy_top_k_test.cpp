/// NoisyTopK on the emulated device, compared with the CPU.
#include "moe/routing/noisy_top_k.hpp"

#include "moe/experts/swiglu.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "support/device_check.hpp"
#include "support/emulated_device.hpp"

namespace noisy_top_k_test {

using namespace moe;
using namespace moe::testing;

namespace {

constexpr Index rows = 40, width = 16, hidden = 24, experts = 5;

template <class Value, class B>
auto noisy_layer() {
  return TokenMoE(NoisyTopK<Value, B>(2, width, experts), ExpertBank<SwiGlu<Value, B>>(experts, width, hidden));
}
template <class Value, class B>
auto hybrid_layer() {
  return HybridMoE(noisy_layer<Value, B>(),
                   SegmentMoE(FixedWindow{.window = 4}, PreviousMean<Value, B>(width), TopK{.k = 1}, SoftmaxOverAll{},
                              Unlimited{}, ExpertBank<SwiGlu<Value, B>>(3, width, hidden)),
                   FixedFusion{});
}
Batch drawn() {
  Batch batch = Batch::sequences(4, rows / 4);
  batch.random = {.seed = 8, .step = 5};
  return batch;
}

/// All results that must agree between two backends.
template <class Layer>
std::vector<Numbers> answers(Layer& layer, const typename Layer::Context& context, const std::vector<Numbers>& weights,
                             const Numbers& x, const Numbers& d_y) {
  using B = typename Layer::Backend;
  using Value = typename Layer::Value;
  std::size_t next = 0;
  for_each_tensor([&](auto& weight) { put(context, weights[next++], weight.view()); }, layer);
  auto x_TD = Matrix<Value, B>::uninitialized(context, rows, width);
  auto d_y_TD = Matrix<Value, B>::uninitialized(context, rows, width);
  put(context, x, x_TD.view());
  put(context, d_y, d_y_TD.view());
  auto run = layer.forward(context, x_TD, drawn());
  std::vector<Numbers> result;
  result.push_back(taken(context, run.output));
  result.push_back({run.stats.balance_loss(), run.stats.z_loss()});
  auto gradient = accum_gradient_for(layer);
  result.push_back(taken(context, layer.backward(context, d_y_TD, {1.3, 0.8, 0.7}, std::move(run.saved), gradient)));
  for_each_tensor([&](const auto& slope) { result.push_back(taken(context, slope)); }, gradient);
  result.push_back(taken(context, layer.infer(context, x_TD, drawn())));
  return result;
}

/// Compares a layer in double on the CPU with one on the device. Both get the same numbers, rounded to `Held`.
template <class Held, class OnCpu, class There>
void compare(OnCpu on_cpu, There there, double bar) {
  Draw draw("noisy top-k on a device");
  randomize(draw, on_cpu, 0.5);
  auto x_TD = random_matrix<double, Cpu<>>(draw, rows, width);
  auto d_y_TD = random_matrix<double, Cpu<>>(draw, rows, width);
  round_to<Held>(on_cpu, x_TD);
  round_values<Held>(d_y_TD.view());
  std::vector<Numbers> weights;
  for_each_tensor([&](const auto& weight) { weights.push_back(values_of(weight)); }, on_cpu);
  const auto expected = answers(on_cpu, CpuContext{.threads = 1}, weights, values_of(x_TD), values_of(d_y_TD));
  const auto answered = answers(there, typename There::Context{}, weights, values_of(x_TD), values_of(d_y_TD));
  REQUIRE(answered.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("result " << i);
    CHECK(relative_deviation(expected[i], answered[i]) <= bar);
  }
}

}  // namespace

TEST_CASE("NoisyTopK on the accelerator matches the CPU's", "[accelerator][gradient]"){
    SECTION("double"){compare<double>(noisy_layer<double, Cpu<>>(), noisy_layer<double, Emulated>(), 1e-11);
}  // namespace noisy_top_k_test
SECTION("inside HybridMoE") { compare<double>(hybrid_layer<double, Cpu<>>(), hybrid_layer<double, Emulated>(), 1e-11); }
SECTION("bfloat16, routing in float") {
  static_assert(std::is_same_v<decltype(NoisyTopK<BFloat16, Emulated>::gate), Linear<float, Emulated>>);
  compare<BFloat16>(noisy_layer<double, Cpu<>>(), noisy_layer<BFloat16, Emulated>(), 5e-2);
}
#ifndef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers report as an error.
SECTION("several lanes per row") {
  compare<float>(noisy_layer<double, Cpu<>>(), noisy_layer<float, EmulatedWarps>(), 1e-4);
}
#endif
}

TEST_CASE("the host waits once for NoisyTopK's loads, and for its losses when they are read", "[accelerator]") {
  const Emulated::Context context;
  const auto layer = noisy_layer<float, Emulated>();
  const auto x_TD = Matrix<float, Emulated>::zeros(context, rows, width);
  const long before = context.device->waits;
  auto run = layer.forward(context, x_TD, drawn());
  CHECK(context.device->waits == before + 1);
  auto gradient = gradient_for(layer);
  layer.backward(context, run.output, {1, 1, 1}, std::move(run.saved), gradient);
  CHECK(context.device->waits == before + 1);
  CHECK(run.stats.load_loss() >= 0);
  CHECK(context.device->waits == before + 2);
}

}  // namespace noisy_top_k_test
