/// AdamW in float compared with torch.optim.AdamW. README.md describes where the files come from, make_adamw.py their
/// content.

#include "moe/train/adamw.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "moe/ops/linear.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace golden_adamw_test {

using namespace moe;
using namespace moe::testing;
using namespace moe::testing::golden;
using golden::Tensor;

namespace {

using Layer = Linear<float, Cpu<>>;

AdamW optimizer_of(const StoredFile& file) {
  const auto number = [&](const char* name) { return std::stod(file.metadata.at(name)); };
  return {number("beta_1"), number("beta_2"), number("epsilon"), number("decay")};
}

/// The largest deviation of a step's values, each relative to torch's largest value at its index over all steps.
double deviation_in(const StoredTensor& expected_SN, std::size_t step, const std::vector<float>& actual_N) {
  const std::size_t values = expected_SN.shape.at(1);
  REQUIRE(actual_N.size() == values);
  double worst = 0;
  for (std::size_t n = 0; n < values; ++n) {
    double size = 0;
    for (std::size_t s = 0; s < expected_SN.shape.at(0); ++s)
      size = std::max(size, std::abs(static_cast<double>(expected_SN.values[s * values + n])));
    const auto expected = static_cast<double>(expected_SN.values[step * values + n]);
    worst = std::max(worst, std::abs(static_cast<double>(actual_N[n]) - expected) / size);
  }
  return worst;
}

std::vector<float> values_of(const Tensor& tensor) { return {tensor.data(), tensor.data() + tensor.size()}; }

/// The largest deviation of weights and moments over all steps; `step(number, layer, gradient)` takes one step and
/// returns w, m and v after it.
template <class Step>
double worst_of_steps(const StoredFile& file, const Step& step) {
  const StoredTensor& gradients = file.tensors.at("gradients");
  const std::size_t steps = gradients.shape.at(0), values = gradients.shape.at(1);
  Layer layer = Layer::without_bias(static_cast<Index>(values), 1), gradient = gradient_for(layer);
  double worst = 0;
  for (std::size_t s = 0; s < steps; ++s) {
    std::copy_n(gradients.values.data() + s * values, values, gradient.weight.data());
    const std::vector<std::vector<float>> wmv = step(static_cast<Index>(s + 1), layer, gradient);
    for (std::size_t i = 0; i < 3; ++i)
      worst = std::max(worst, deviation_in(file.tensors.at(std::string(1, "wmv"[i])), s, wmv[i]));
  }
  return worst;
}

/// The same with the weights and moments of an optimizer state, which is made at the first step.
template <MasterWeights master>
double worst_in_memory(const StoredFile& file) {
  const CpuContext context;
  AdamWState<Cpu<>, float, master> memory;
  return worst_of_steps(
      file, [&](Index number, Layer& layer, const Layer& gradient) -> std::vector<std::vector<float>> {
        if (number == 1) memory = {context, layer, gradient};
        optimizer_of(file).step(context, std::stod(file.metadata.at("rate")), number, 1, layer, gradient, memory);
        const auto& kept = memory.tensors()[0];
        std::vector<float> w = values_of(layer.weight);
        if constexpr (master == MasterWeights::split)
          for (std::size_t i = 0; i < w.size(); ++i) w[i] = joined(BFloat16(w[i]), kept.lower.data()[i]);
        return {w, values_of(kept.m), values_of(kept.v)};
      });
}

}  // namespace

TEST_CASE("AdamW in float matches torch, also for betas near 1", "[golden]") {
  const std::string name = GENERATE(as<std::string>{}, "adamw_ours", "adamw_torch", "adamw_slow", "adamw_slowest");
  INFO(name);
  const StoredFile file = read_case(name);
  // A few roundings per step. With 1 - beta computed from the rounded beta, the slowest case has an error of 1e-3.
  constexpr double bar_of_steps = 2e-6;
  CHECK(worst_in_memory<MasterWeights::float32>(file) < bar_of_steps);
  CHECK(worst_in_memory<MasterWeights::split>(file) < bar_of_steps);
}

}  // namespace golden_adamw_test
