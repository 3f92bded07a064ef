/// AdamW with reduced memory on the emulated device, compared with the CPU.
#include "moe/backend/cuda/adamw.cuh"

#include <cmath>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/linear.hpp"
#include "moe/train/adamw.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"

namespace adamw_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;
constexpr Index size = 1003;

/// Weights and moments after some steps, on the backend B.
template <class B, class Moment, MasterWeights master>
std::vector<float> stepped(const AdamW& adamw = {}) {
  const typename B::Context context;
  Draw draw("adamw in less memory");
  const auto w_host = random_matrix<float, Cpu<>>(draw, 1, size);
  auto layer = Linear<float, B>::without_bias(size, 1);
  B::upload(context, w_host.data(), layer.weight.view());
  auto gradient = gradient_for(layer);
  AdamWState<B, Moment, master> memory(context, layer, gradient, 9);
  for (int step = 1; step <= 3; ++step) {
    const auto g_host = random_matrix<float, Cpu<>>(draw, 1, size);
    B::upload(context, g_host.data(), gradient.weight.view());
    adamw.step(context, 1e-2, step, 0.5, layer, gradient, memory);
  }
  std::vector<float> w(size), result;
  std::vector<Moment> m(size), v(size);
  std::vector<std::uint16_t> lower(size);
  const auto& kept = memory.tensors()[0];
  B::download(context, layer.weight.const_view(), w.data());
  B::download(context, kept.m.view(), m.data());
  B::download(context, kept.v.view(), v.data());
  if (!kept.lower.empty()) B::download(context, kept.lower.view(), lower.data());
  for (std::size_t i = 0; i < w.size(); ++i) {
    result.push_back(kept.lower.empty() ? w[i] : joined(BFloat16(w[i]), lower[i]));
    result.push_back(widened(m[i]));
    result.push_back(widened(v[i]));
  }
  return result;
}

/// Number of values that differ by more than the last bit of a float, which each backend may round differently, and
/// their largest relative difference.
struct Difference {
  int values = 0;
  double largest = 0;
};
template <class Moment, MasterWeights master>
Difference difference(const AdamW& adamw = {}) {
  const auto here = stepped<Cpu<>, Moment, master>(adamw), there = stepped<A, Moment, master>(adamw);
  Difference found;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const double apart = std::abs(static_cast<double>(here[i]) - static_cast<double>(there[i]));
    if (apart <= 1e-6 * std::abs(static_cast<double>(here[i])) + 1e-9) continue;
    ++found.values;
    found.largest = std::max(found.largest, apart / (std::abs(static_cast<double>(here[i])) + 1e-3));
  }
  return found;
}

}  // namespace

TEST_CASE("float and split master weights equal the CPU's", "[accelerator]") {
  CHECK(difference<float, MasterWeights::float32>().values == 0);
  CHECK(difference<float, MasterWeights::split>().values == 0);
}

// 1 - beta of the rounded beta would be off by 1.4e-3 here.
TEST_CASE("betas near 1 give the CPU's results, with float and with split master weights", "[accelerator]") {
  const AdamW slow{.beta_1 = 0.999, .beta_2 = 0.99999};
  CHECK(difference<float, MasterWeights::float32>(slow).values == 0);
  CHECK(difference<float, MasterWeights::split>(slow).values == 0);
}

// For a few of thousands of values a difference in the last bit changes the result of stochastic rounding.
TEST_CASE("stochastic rounding gives the CPU's results", "[accelerator]") {
  for (const Difference& found :
       {difference<BFloat16, MasterWeights::float32>(), difference<BFloat16, MasterWeights::split>(),
        difference<float, MasterWeights::bfloat16>(), difference<BFloat16, MasterWeights::bfloat16>()}) {
    CHECK(found.values <= 6);
    CHECK(found.largest <= 0x1p-6);
  }
}

TEST_CASE("a layer in bfloat16 with split weights trains bitwise identically to a layer in float", "[accelerator]") {
  const A::Context context;
  Draw draw("bfloat16 layer");
  const auto w_host = random_matrix<float, Cpu<>>(draw, 1, size);
  std::vector<BFloat16> narrow(size);
  std::vector<float> wide(size);
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    narrow[i] = BFloat16(w_host.data()[i]);
    wide[i] = widened(narrow[i]);
  }
  auto layer = Linear<BFloat16, A>::without_bias(size, 1);
  auto full = Linear<float, A>::without_bias(size, 1);
  A::upload(context, narrow.data(), layer.weight.view());
  A::upload(context, wide.data(), full.weight.view());
  auto gradient = gradient_for(full);
  AdamWState memory(context, layer, gradient);
  AdamWState of_full(context, full, gradient);
  for (int step = 1; step <= 4; ++step) {
    const auto g_host = random_matrix<float, Cpu<>>(draw, 1, size);
    A::upload(context, g_host.data(), gradient.weight.view());
    AdamW{}.step(context, 1e-3, step, 1, layer, gradient, memory);
    AdamW{}.step(context, 1e-3, step, 1, full, gradient, of_full);
  }
  std::vector<std::uint16_t> lower(size);
  A::download(context, layer.weight.const_view(), narrow.data());
  A::download(context, full.weight.const_view(), wide.data());
  A::download(context, memory.tensors()[0].lower.const_view(), lower.data());
  for (std::size_t i = 0; i < wide.size(); ++i) CHECK(joined(narrow[i], lower[i]) == wide[i]);
}

}  // namespace adamw_test
