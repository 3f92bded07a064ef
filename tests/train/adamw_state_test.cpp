#include "moe/train/adamw_state.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/linear.hpp"
#include "moe/train/adamw.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace adamw_state_test {

using namespace moe;
using namespace moe::testing;
using Catch::Approx;

namespace {

using Layer = Linear<float, Cpu<>>;
template <class Moment, MasterWeights master>
using Memory = AdamWState<Cpu<>, Moment, master>;

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
bool is_narrow(float value) { return (bits_of(value) & 0xffffu) == 0; }

/// Weights of a few SIMD vectors and a remainder, drawn by a name.
Layer drawn(const char* name) {
  Draw draw(name);
  Layer layer = Layer::with_bias(5, 37);
  randomize(draw, layer, 0.5);
  return layer;
}

/// Calls step(number, gradient) with the same gradients in every run.
template <class Step>
void take_steps(const Layer& layer, int steps, const Step& step) {
  Layer gradient = gradient_for(layer);
  for (int number = 1; number <= steps; ++number) {
    Draw draw("gradient", static_cast<std::uint32_t>(number));
    randomize(draw, gradient, 0.1);
    step(number, gradient);
  }
}

/// The master weights of an optimizer state, joined from both halves where they are split.
template <class OfMemory>
std::vector<float> masters(const Layer& layer, const OfMemory& memory) {
  std::vector<float> all;
  std::size_t number = 0;
  for_each_tensor(
      [&](const auto& weight) {
        const auto& tensor = memory.tensors()[number++];
        for (Index i = 0; i < weight.size(); ++i)
          all.push_back(tensor.lower.empty() ? weight.data()[i]
                                             : joined(BFloat16(weight.data()[i]), tensor.lower.data()[i]));
      },
      layer);
  return all;
}
std::vector<float> all_values(const Layer& layer) {
  std::vector<float> all;
  for_each_tensor([&](const auto& weight) { all.insert(all.end(), weight.data(), weight.data() + weight.size()); },
                  layer);
  return all;
}
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(squares / size);
}

/// Weights after `steps` steps, in full precision and in the precision of OfMemory.
template <class OfMemory>
std::pair<std::vector<float>, std::vector<float>> trained_both_ways(int steps, Layer* narrow_layer = nullptr) {
  const CpuContext context;
  const AdamW adamw;
  Layer full = drawn("weights"), narrow = drawn("weights");
  Layer gradient = gradient_for(full);
  AdamWState of_full(context, full, gradient);
  OfMemory memory(context, narrow, gradient, 7);
  take_steps(full, steps, [&](int step, const Layer& slope) {
    adamw.step(context, 1e-3, step, 0.5, full, slope, of_full);
    adamw.step(context, 1e-3, step, 0.5, narrow, slope, memory);
  });
  auto result = std::pair(all_values(full), masters(narrow, memory));
  if (narrow_layer != nullptr) *narrow_layer = std::move(narrow);
  return result;
}

}  // namespace

template <class Value>
using LinearOf = Linear<Value, Cpu<>>;
template <class Value, class Gradient = LinearOf<Value>>
using Deduced = decltype(AdamWState(std::declval<const CpuContext&>(), std::declval<LinearOf<Value>&>(),
                                    std::declval<const Gradient&>()));
static_assert(std::is_same_v<Deduced<float>, AdamWState<Cpu<>>>);
static_assert(std::is_same_v<Deduced<double>, AdamWState<Cpu<>, double>>);
static_assert(std::is_same_v<Deduced<BFloat16, LinearOf<float>>, AdamWState<Cpu<>, float, MasterWeights::split>>);

// The error of float after as many steps is more than a thousand times the bar.
TEST_CASE("AdamW steps a layer of doubles in double, moments included", "[train]") {
  const CpuContext context;
  const AdamW adamw{.beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-3, .decay = 0};
  auto layer = LinearOf<double>::without_bias(1, 37), gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  std::vector<double> w(37), m(37), v(37);
  for (int step = 1; step <= 20; ++step) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double slope = std::sin(step + static_cast<double>(i));
      gradient.weight.data()[i] = slope;
      m[i] = 0.9 * m[i] + 0.1 * slope;
      v[i] = 0.99 * v[i] + 0.01 * slope * slope;
      w[i] -= 1e-2 * m[i] / (1 - std::pow(0.9, step)) / (std::sqrt(v[i] / (1 - std::pow(0.99, step))) + 1e-3);
    }
    adamw.step(context, 1e-2, step, 1, layer, gradient, memory);
  }
  const auto& kept = memory.tensors()[0];
  CHECK(kept.lower.empty());
  for (std::size_t i = 0; i < w.size(); ++i) {
    CHECK(kept.m.data()[i] == Approx(m[i]).epsilon(1e-13).margin(1e-13));
    CHECK(kept.v.data()[i] == Approx(v[i]).epsilon(1e-13));
    CHECK(layer.weight.data()[i] == Approx(w[i]).epsilon(1e-12).margin(1e-13));
  }
}

TEST_CASE("split master weights keep full precision, and the layer has the nearest bfloat16", "[train]") {
  Layer layer;
  const auto [full, narrow] = trained_both_ways<Memory<float, MasterWeights::split>>(20, &layer);
  // The last bit may differ, as one of the two loops may fuse a product with a sum.
  CHECK(distance(full, narrow) < 1e-7);
  const auto in_layer = all_values(layer);
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    CHECK(is_narrow(in_layer[i]));
    CHECK(std::abs(in_layer[i] - narrow[i]) <= std::abs(narrow[i]) * 0x1p-8f);
  }
}

TEST_CASE("bfloat16 moments and weights without a float master stay near full precision", "[train]") {
  const auto [full, narrow] = trained_both_ways<Memory<BFloat16, MasterWeights::float32>>(50);
  CHECK(distance(full, narrow) > 0);
  CHECK(distance(full, narrow) < 2e-3);
  Layer layer;
  const auto [same, rounded] = trained_both_ways<Memory<BFloat16, MasterWeights::bfloat16>>(50, &layer);
  CHECK(distance(same, rounded) < 2e-2);
  for (const float value : all_values(layer)) CHECK(is_narrow(value));
}

// Each step moves the weight by less than half of the distance to the next bfloat16: rounding to nearest would never
// change it.
TEST_CASE("stochastic rounding keeps the mean of small steps and of the second moment's decay", "[train]") {
  const CpuContext context;
  Layer layer = Layer::without_bias(1, 4000), gradient = gradient_for(layer);
  for (Index i = 0; i < layer.weight.size(); ++i) layer.weight.data()[i] = 1;
  Memory<BFloat16, MasterWeights::bfloat16> memory(context, layer, gradient, 3);
  for (Index i = 0; i < layer.weight.size(); ++i) gradient.weight.data()[i] = 1;
  const AdamW adamw{.beta_1 = 0.9, .beta_2 = 0.999, .decay = 0};
  constexpr int steps = 100;
  for (int step = 1; step <= steps; ++step) adamw.step(context, 1e-4, step, 1, layer, gradient, memory);
  double mean = 0, squares = 0, second = 0;
  for (Index i = 0; i < layer.weight.size(); ++i) {
    const auto weight = static_cast<double>(layer.weight.data()[i]);
    mean += weight / 4000;
    squares += weight * weight / 4000;
    second += static_cast<double>(widened(memory.tensors()[0].v.data()[i])) / 4000;
  }
  CHECK(1 - mean == Approx(steps * 1e-4).epsilon(0.05));
  // One step in 39 lowers a weight by 1/256, and each step draws new random bits. With the same bits in every step some
  // weights would always go down and the others never, with ten times the deviation.
  CHECK(std::sqrt(squares - mean * mean) == Approx(std::sqrt(steps / 39.0) / 256).epsilon(0.1));
  CHECK(second == Approx(1 - std::pow(0.999, steps)).epsilon(0.02));
}

TEST_CASE("a low-precision step is bitwise identical for any number of threads, and differs by seed", "[train]") {
  const auto trained_by = [](int threads, std::uint64_t seed) {
    const CpuContext context{.threads = threads};
    Layer layer = Layer::without_bias(3, 20000), gradient = gradient_for(layer);
    Draw draw("many");
    randomize(draw, layer, 1);
    Memory<BFloat16, MasterWeights::bfloat16> memory(context, layer, gradient, seed);
    randomize(draw, gradient, 1);
    for (int step = 1; step <= 3; ++step) AdamW{}.step(context, 1e-3, step, 1, layer, gradient, memory);
    return masters(layer, memory);
  };
  const auto expected = trained_by(1, 5);
  for (const int threads : {2, 3, 7}) CHECK(trained_by(threads, 5) == expected);
  CHECK(trained_by(1, 6) != expected);
}

TEST_CASE("a frozen weight stays bitwise identical and has no optimizer memory", "[train]") {
  const CpuContext context;
  Layer layer = drawn("weights");
  const auto before = all_values(layer);
  Layer gradient = gradient_for(layer, [](const std::string& name) { return name == "bias"; });
  Memory<BFloat16, MasterWeights::split> memory(context, layer, gradient);
  AdamW{}.step(context, 0.1, 1, 1, layer, gradient, memory);
  CHECK(std::memcmp(layer.weight.data(), before.data(), static_cast<std::size_t>(layer.weight.size()) * 4) == 0);
  CHECK(memory.tensors()[0].m.empty());
  CHECK(memory.tensors()[0].lower.empty());
  CHECK(memory.tensors()[1].lower.size() == layer.bias.size());
}

}  // namespace adamw_state_test
