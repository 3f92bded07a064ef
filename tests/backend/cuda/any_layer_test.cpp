/// Layers of bfloat16 made by name on the emulated device, compared with the CPU's.
#include "backend/cuda/on_device.hpp"
#include "compiled_layers/compiled_layers.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/named_compositions.hpp"
#include "support/named_results.hpp"

namespace any_layer_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("every architecture in bfloat16 computes on the accelerator what it computes on the CPU",
          "[accelerator][gradient]") {
  const auto compositions = every_composition(Registry<BFloat16, A>());
  REQUIRE(compositions.size() == 15);
  for (const Composition& composition : compositions) {
    INFO(composition.architecture << " " << composition.fusion);
    const auto expected = results_by_name<BFloat16, Cpu<>>(CpuContext{.threads = 1}, composition),
               found = results_by_name<BFloat16, A>(context(), composition);
    CHECK(worst_nmse(expected, found) < 1e-3);
  }
}

TEST_CASE("a training step of a layer made by name waits for the loads and for the norm, and for nothing else",
          "[accelerator]") {
  for (const Composition& composition : every_composition(Registry<BFloat16, A>())) {
    INFO(composition.architecture << " " << composition.fusion);
    const A::Context own;
    auto layer = Registry<BFloat16, A>().make(composition);
    initialize(own, layer, 3, 0.3);
    auto gradient = accum_gradient_for(layer);
    AdamWState state(own, layer, gradient);
    const auto x_TD = drawn_rows<BFloat16, A>(own, "x");
    // A dense layer has no loads.
    const long loads = composition.architecture == "dense" ? 0 : 1;
    for (Index step = 1; step <= 2; ++step) {
      const long before = own.device->waits;
      auto run = layer.forward(own, x_TD.view(), batch_of_two());
      CHECK(own.device->waits - before == loads);
      const long forward = own.device->waits;
      layer.backward(own, run.output.view(), {.balance = 0.5, .z = 0.1}, std::move(run.saved), gradient);
      CHECK(own.device->waits == forward);
      const double norm = global_norm(own, gradient);
      CHECK(own.device->waits == forward + 1);
      AdamW{}.step(own, 1e-2, step, clip_factor(norm, 1), layer, gradient, state);
      set_to_zero(own, gradient);
      layer.update_buffers(own, run.stats);
      CHECK(own.device->waits == forward + 1);
    }
  }
}

}  // namespace any_layer_test
