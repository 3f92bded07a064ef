/// Routing recorded and replayed on the emulated device.
#include "moe/core/routing_recorder.hpp"
#include "support/device_check.hpp"
#include "support/emulated_device.hpp"

namespace replay_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <class B>
using Replaying = std::tuple<on::DroppingRaw<double, B>, on::TokenExpertChoice<double, B>,
                             on::SegmentByPreviousMean<double, B>, CausalMultiPlMoe<double, B, NormalizedFusion>,
                             HybridMoE<on::Dropping<double, B>, on::SegmentDropping<double, B>, NormalizedFusion>,
                             MultiPlMoeLiteral<double, B>>;

/// The results of one forward and backward pass.
struct Pass {
  Numbers output, d_x;
  std::vector<Numbers> gradients;
  bool operator==(const Pass&) const = default;
};
template <class Layer>
Pass pass_of(const typename Layer::Context& context, const Layer& layer, const Given& given) {
  using Tensor = typename Layer::Tensor;
  auto x_TD = Tensor::uninitialized(context, given.batch.rows(), layer.width());
  put(context, given.x, x_TD.view());
  auto run = layer.forward(context, x_TD, given.batch);
  Pass pass{taken(context, run.output), {}, {}};
  auto gradient = gradient_for(layer);
  pass.d_x = taken(context, layer.backward(context, x_TD, {.balance = 0.3}, std::move(run.saved), gradient));
  for_each_tensor([&](const auto& slope) { pass.gradients.push_back(taken(context, slope)); }, gradient);
  return pass;
}

}  // namespace

TEST_CASE("routing recorded on the CPU or on the accelerator replays on the accelerator", "[accelerator][replay]") {
  for_each_composition<std::tuple<std::integral_constant<int, 0>, std::integral_constant<int, 1>,
                                  std::integral_constant<int, 2>, std::integral_constant<int, 3>,
                                  std::integral_constant<int, 4>, std::integral_constant<int, 5>>>([]<class I>() {
    using OnCpu = std::tuple_element_t<I::value, Replaying<Cpu<>>>;
    using OnDevice = std::tuple_element_t<I::value, Replaying<Emulated>>;
    INFO("composition " << I::value);
    const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .shared = 1, .window = 3, .capacity_factor = 0.8};
    Draw draw("replayed on a device");
    auto layer = build<OnCpu>(sizes);
    randomize(draw, layer);
    const auto x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
    const Batch batch = Batch::ragged({7, 0, 5});
    RoutingRecorder of_cpu(3), of_device(3);
    of_cpu.expect(batch);
    of_device.expect(batch);
    layer.forward(CpuContext{.threads = 1, .observer = of_cpu.observer()}, x_TD, batch);

    // With these weights the router would select other experts.
    randomize(draw, layer);
    const RoutingReplay replay(of_cpu.records());
    const Given given = given_to(sizes, batch, layer, x_TD);
    Emulated::Context context;
    const auto on_device = made_of<OnDevice>(context, given);
    context.observer = of_device.observer();
    context.replay = &replay;
    const Pass replayed = pass_of(context, on_device, given);
    CHECK(of_device.records() == of_cpu.records());

    CpuContext host{.threads = 1, .replay = &replay};
    auto run = layer.forward(host, x_TD, batch);
    CHECK(relative_deviation(values_of(run.output), replayed.output) <= 1e-12);
    auto gradient = gradient_for(layer);
    CHECK(relative_deviation(values_of(layer.backward(host, x_TD, {.balance = 0.3}, std::move(run.saved), gradient)),
                             replayed.d_x) <= 1e-12);

    // Replaying the device's own record gives bitwise identical results.
    context.replay = nullptr;
    of_device = RoutingRecorder(3);
    of_device.expect(batch);
    context.observer = of_device.observer();
    const Pass own = pass_of(context, on_device, given);
    context.observer = {};
    const RoutingReplay again(of_device.records());
    context.replay = &again;
    CHECK(pass_of(context, on_device, given) == own);
  });
}

}  // namespace replay_test
