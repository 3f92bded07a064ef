/// The routers of the literature on the emulated device, compared with those on the CPU.
#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/device_run.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace strategies_test {

using namespace moe;
using namespace moe::testing;

namespace {

constexpr Index rows = 50;

#ifdef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers report as an error.
using There = Emulated;
#else
using There = EmulatedWarps;
#endif

/// All results that must agree between two backends.
std::vector<Numbers> answers(auto& layer, const auto& context, const Numbers& x, const Numbers& d_y) {
  using Layer = std::remove_cvref_t<decltype(layer)>;
  using B = typename Layer::Backend;
  std::vector<std::int32_t> tokens;
  for (Index t = 0; t < rows; ++t) tokens.push_back(static_cast<std::int32_t>(t * t % 13));
  Batch batch = Batch::single(rows);
  batch.tokens = tokens;
  batch.random = {.seed = 3, .step = 1};
  auto x_TD = Matrix<double, B>::uninitialized(context, rows, layer.width());
  auto d_y_TD = Matrix<double, B>::uninitialized(context, rows, layer.width());
  put(context, x, x_TD.view());
  put(context, d_y, d_y_TD.view());
  auto run = layer.forward(context, x_TD, batch);
  auto gradient = gradient_for(layer);
  std::vector<Numbers> result;
  result.push_back(taken(context, run.output));
  result.emplace_back(run.stats.load.begin(), run.stats.load.end());
  result.emplace_back(run.stats.dropped.begin(), run.stats.dropped.end());
  result.push_back({run.stats.balance_loss(), run.stats.z_loss()});
  result.push_back(
      taken(context, layer.backward(context, d_y_TD, {.balance = 0.2, .z = 0.1}, std::move(run.saved), gradient)));
  for_each_tensor([&](const auto& slope) { result.push_back(taken(context, slope)); }, gradient);
  layer.update_buffers(context, run.stats);
  for_each_buffer([&](const std::string&, const auto& buffer) { result.push_back(taken(context, buffer)); }, layer);
  result.push_back(taken(context, layer.infer(context, x_TD, batch)));
  return result;
}

template <std::size_t which>
void compare(const Sizes& sizes) {
  Draw draw("accelerated strategies", static_cast<std::uint32_t>(which));
  auto on_cpu = build<std::tuple_element_t<which, on::Strategies<double, Cpu<>>>>(sizes);
  auto there = build<std::tuple_element_t<which, on::Strategies<double, There>>>(sizes);
  randomize(draw, on_cpu);
  const CpuContext context{.threads = 1};
  const typename There::Context device;
  for_each_tensor([&](const auto& from, auto& to) { put(device, values_of(from), to.view()); }, on_cpu, there);
  Numbers x, d_y;
  for (Index i = 0; i < rows * sizes.width; ++i) x.push_back(draw.normal()), d_y.push_back(draw.normal());
  const auto expected = answers(on_cpu, context, x, d_y), answered = answers(there, device, x, d_y);
  REQUIRE(expected.size() == answered.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("strategy " << which << ", result " << i << ", MOE_TEST_SEED=" << seed());
    REQUIRE(expected[i].size() == answered[i].size());
    if (!expected[i].empty()) CHECK(nmse(expected[i], answered[i]) < 1e-24);
  }
}

}  // namespace

TEST_CASE("outputs and gradients of every router on the accelerator match the CPU's", "[accelerator][gradient]") {
  for (const DropBy by : {DropBy::position, DropBy::priority, DropBy::probability, DropBy::random}) {
    // Group-limited selection does not depend on the drops, so only one of the rounds uses groups.
    const Sizes sizes{.width = 5,
                      .hidden = 6,
                      .experts = 4,
                      .k = 2,
                      .minimum = 1,
                      .groups = by == DropBy::random ? 2 : 1,
                      .capacity_factor = 0.8,
                      .drop = by};
    [&]<std::size_t... i>(std::index_sequence<i...>) { (compare<i>(sizes), ...); }
    (std::make_index_sequence<std::tuple_size_v<on::Strategies<double, Cpu<>>>>{});
  }
}

}  // namespace strategies_test
