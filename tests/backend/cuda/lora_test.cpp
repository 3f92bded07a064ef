/// LoRA adapters on the emulated device, compared with those on the CPU.
#include "moe/layers/presets.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/device_run.hpp"
#include "support/emulated_device.hpp"
#include "support/tolerance.hpp"

namespace lora_test {

using namespace moe;
using namespace moe::testing;

namespace {

const MoleSettings sizes{.languages = 3, .language_rank = 2, .language_alpha = 3, .shared_rank = 3, .shared_alpha = 2};
const std::vector<std::int32_t> languages = {0, 0, 2, -1, 1, 3, 0, -1, 2, 2, 99, 1, 0, -1, 2, 1, 1, 0, 2, 2, 0};

/// All results that must agree between two backends.
std::vector<Numbers> answers(const auto& layer, const auto& context, const Numbers& x, const Numbers& d_y) {
  using Layer = std::remove_cvref_t<decltype(layer)>;
  using B = typename Layer::Backend;
  using Value = typename Layer::Value;
  Batch batch = Batch::single(static_cast<Index>(languages.size()));
  batch.languages = languages;
  auto x_TD = Matrix<Value, B>::uninitialized(context, batch.rows(), layer.width());
  auto d_y_TD = Matrix<Value, B>::uninitialized(context, batch.rows(), layer.width());
  put(context, x, x_TD.view());
  put(context, d_y, d_y_TD.view());
  auto run = layer.forward(context, x_TD, batch);
  auto gradient = accum_gradient_for(layer);
  std::vector<Numbers> result;
  result.push_back(taken(context, run.output));
  result.emplace_back(run.stats.load.begin(), run.stats.load.end());
  result.push_back(taken(context, layer.backward(context, d_y_TD, {}, std::move(run.saved), gradient)));
  for_each_tensor([&](const auto& slope) { result.push_back(taken(context, slope)); }, gradient);
  result.push_back(taken(context, layer.infer(context, x_TD, batch)));
  auto state = layer.begin_decoding(context, batch.rows());
  state.languages = languages;
  result.push_back(taken(context, layer.decode(context, x_TD, {}, state)));
  return result;
}

template <class Value>
double worst_nmse(Index width, Index hidden) {
  Draw draw("accelerated adapters");
  auto on_cpu = make_mole(SwiGlu<double, Cpu<>>(width, hidden), sizes);
  randomize_adapted(draw, on_cpu, 0.4);
  auto there = make_mole(SwiGlu<Value, Emulated>(width, hidden), sizes);
  const CpuContext context;
  const typename Emulated::Context device;
  std::vector<Numbers> weights;
  for_each_tensor(
      [&](auto& weight) {
        // Rounded to Value, so that only sums are rounded in the comparison.
        for (Index i = 0; i < weight.size(); ++i)
          weight.data()[i] = as_double(static_cast<Value>(static_cast<Accum<Value>>(weight.data()[i])));
        weights.push_back(values_of(weight));
      },
      on_cpu);
  std::size_t next = 0;
  for_each_tensor([&](auto& weight) { put(device, weights[next++], weight.view()); }, there);
  Numbers x, d_y;
  for (Index i = 0; i < width * static_cast<Index>(languages.size()); ++i) {
    x.push_back(as_double(static_cast<Value>(static_cast<Accum<Value>>(draw.normal()))));
    d_y.push_back(as_double(static_cast<Value>(static_cast<Accum<Value>>(draw.normal()))));
  }
  const auto expected = answers(on_cpu, context, x, d_y), answered = answers(there, device, x, d_y);
  REQUIRE(expected.size() == answered.size());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(expected[i].size() == answered[i].size());
    worst = std::max(worst, nmse(expected[i], answered[i]));
  }
  return worst;
}

}  // namespace

TEST_CASE("outputs and gradients of MoLE on the accelerator match the CPU's", "[accelerator][gradient]") {
  CHECK(worst_nmse<double>(5, 7) < 1e-24);
  CHECK(worst_nmse<BFloat16>(40, 56) < 1e-3);
}

}  // namespace lora_test
