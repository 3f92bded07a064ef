/// How layers use the emulated device: memory, waits, errors, and a router of one's own.
#include "support/device_check.hpp"
#include "support/emulated_device.hpp"

namespace layers_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Selects every expert that is nearly as likely as the best one.
struct AboveThreshold {
  float threshold = 0.2f;
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    const Real best = max(logits_E), total = sum_exp(logits_E, best);
    for (Index e = 0; e < logits_E.size; ++e)
      chosen_E[e] = logits_E[e] == best || std::exp(logits_E[e] - best) > Real(threshold) * total;
  }
};

}  // namespace

TEST_CASE("the accelerator frees all its memory, and a step needs no more memory than the step before",
          "[accelerator][memory]") {
  using Layer = CausalMultiPlMoe<float, Emulated>;
  DeviceMemory& memory = DeviceMemory::get();
  const std::size_t live = memory.live();
  {
    const Emulated::Context context;
    const Layer layer = make_multipl<Layer>({.width = 16, .hidden = 24, .token_experts = 4, .segment_experts = 3});
    auto gradient = gradient_for(layer);
    const auto x_TD = Matrix<float, Emulated>::zeros(context, 100, 16);
    const auto step = [&] {
      auto run = layer.forward(context, x_TD, Batch::single(100));
      layer.backward(context, run.output, {}, std::move(run.saved), gradient);
    };
    step();
    const std::size_t used = memory.used();
    for (int i = 0; i < 5; ++i) step();
    CHECK(memory.used() == used);
  }
  CHECK(memory.live() == live);
}

TEST_CASE("the host waits once in forward, for the loads, and never in backward", "[accelerator]") {
  const Emulated::Context context;
  const auto check = [&](const auto& layer, const Batch& batch = Batch::single(100)) {
    const auto x_TD = Matrix<float, Emulated>::zeros(context, 100, 8);
    const long before = context.device->waits;
    auto run = layer.forward(context, x_TD, batch);
    CHECK(context.device->waits == before + 1);
    auto gradient = gradient_for(layer);
    layer.backward(context, run.output, {.balance = 1, .z = 1}, std::move(run.saved), gradient);
    CHECK(context.device->waits == before + 1);
    CHECK(run.stats.balance_loss() + run.stats.z_loss() > 0);
    // One wait per loss, unless its copy was started before one that the host has waited for.
    CHECK(context.device->waits <= before + 3);
  };
  const MultiPlSettings sizes{.width = 8, .hidden = 8, .token_experts = 3, .segment_experts = 2};
  check(make_multipl<MultiPlMoe<float, Emulated>>(sizes));
  check(make_multipl<CausalMultiPlMoe<float, Emulated, NormalizedFusion>>(sizes));
  check(make_multipl<MultiPlTokenLevel<float, Emulated>>(sizes));
  // With identical first segments, the number of segments per expert is not known before counting.
  check(make_multipl<CausalMultiPlMoe<float, Emulated, NormalizedFusion>>(sizes), Batch::sequences(4, 25));
}

TEST_CASE("products of experts with known loads are enqueued before the host waits for the loads", "[accelerator]") {
  const Emulated::Context context;
  const auto x_TD = Matrix<float, Emulated>::zeros(context, 128, 8);
  const auto begun_before_the_wait = [&](const auto& layer) {
    const long before = context.device->products, waits = context.device->waits;
    static_cast<void>(layer.infer(context, x_TD, Batch::sequences(2, 64)));
    CHECK(context.device->waits == waits + 1);
    return context.device->products_before_wait - before;
  };
  // Gate and up of the shared expert and of two segment experts; products of equal shape form batches.
  const MultiPlSettings sizes{.width = 8, .hidden = 8, .token_experts = 3, .segment_experts = 2, .window = 16};
  const long batches = context.device->batches;
  CHECK(begun_before_the_wait(make_multipl<MultiPlMoe<float, Emulated>>(sizes)) == 6);
  CHECK(context.device->batches >= batches + 3);
  CHECK(begun_before_the_wait(make_multipl<MultiPlTokenLevel<float, Emulated>>(sizes)) == 2);
  // All three products of the shared expert.
  using Ffn = SwiGlu<float, Emulated>;
  CHECK(begun_before_the_wait(TokenMoE(TopK{.k = 2}, SoftmaxOverAll{}, Unlimited{}, ExpertBank<Ffn>(4, 8, 8),
                                       SharedExpert<Ffn, SigmoidGate>(8, 8))) == 3);
  // The number of rows per expert is not known before counting.
  CHECK(begun_before_the_wait(TokenMoE(TopK{.k = 2}, SoftmaxOverAll{}, Unlimited{}, ExpertBank<Ffn>(4, 8, 8))) == 0);
}

TEST_CASE("a call that exhausts device memory throws bad_alloc and leaks nothing", "[accelerator][memory]") {
  using Layer = CausalMultiPlMoe<float, Emulated>;
  DeviceMemory& memory = DeviceMemory::get();
  const Emulated::Context context;
  const Layer layer = make_multipl<Layer>({.width = 8, .hidden = 8, .token_experts = 3, .segment_experts = 2});
  const auto x_TD = Matrix<float, Emulated>::zeros(context, 70, 8);
  const auto step = [&] {
    auto gradient = gradient_for(layer);
    auto run = layer.forward(context, x_TD, Batch::single(70));
    return layer.backward(context, run.output, {}, std::move(run.saved), gradient);
  };
  const std::size_t live = memory.live();
  long allowed = 0;
  for (bool failed = true; failed; ++allowed) {
    memory.fail_after = allowed;
    try {
      step();
      failed = false;
    } catch (const std::bad_alloc&) {
    }
    memory.fail_after = -1;
    CHECK(memory.live() == live);
  }
  CHECK(allowed > 50);
  CHECK(step().rows() == 70);
}

TEST_CASE("if a product is refused, the products before it finish before memory is freed", "[accelerator]") {
  using Layer = MultiPlTokenLevel<float, Emulated>;
  const Emulated::Context context;
  const Layer layer = make_multipl<Layer>({.width = 8, .hidden = 8, .token_experts = 3});
  const auto x_TD = Matrix<float, Emulated>::zeros(context, 70, 8);
  context.device->fail_products_after = 1;
  CHECK_THROWS_AS(layer.infer(context, x_TD, Batch::single(70)), std::runtime_error);
  CHECK(context.device->abandoned == 1);
  context.device->fail_products_after = -1;
  CHECK(layer.infer(context, x_TD, Batch::single(70)).rows() == 70);
}

TEST_CASE("a user-defined router of ten lines runs unchanged on the accelerator", "[accelerator]") {
  TokenMoE here(AboveThreshold{}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<double, Cpu<>>>(4, 6, 8));
  TokenMoE there(AboveThreshold{}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<double, Emulated>>(4, 6, 8));
  Draw draw("own router");
  randomize(draw, here);
  const Emulated::Context context;
  for_each_tensor([&](const auto& from, auto& to) { Emulated::upload(context, from.data(), to.view()); }, here, there);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 30, 6);
  auto on_device = Matrix<double, Emulated>::uninitialized(context, 30, 6);
  Emulated::upload(context, x_TD.data(), on_device.view());
  const auto expected = here.infer(CpuContext{}, x_TD, Batch::single(30));
  CHECK(relative_deviation(values_of(expected), taken(context, there.infer(context, on_device, Batch::single(30)))) <
        1e-13);
}

}  // namespace layers_test
