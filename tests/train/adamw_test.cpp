#include "moe/train/adamw.hpp"

#include <cmath>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/linear.hpp"
#include "support/catch.hpp"

namespace train_adamw_test {

using namespace moe;
using Catch::Approx;

namespace {

/// A module that AdamW can step, as Linear has its context type.
using Layer = Linear<double, Cpu<>>;

}  // namespace

TEST_CASE("AdamW follows its recursion, with weight decay for matrices only", "[train]") {
  const CpuContext context;
  Layer layer = Layer::with_bias(1, 1), gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  layer.weight.data()[0] = 0.5;
  layer.bias.data()[0] = -0.25;
  const AdamW adamw{.beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-3, .decay = 0.2};
  double w = 0.5, b = -0.25, m_w = 0, v_w = 0, m_b = 0, v_b = 0;
  const double rate = 0.05, scale = 0.5;
  for (int step = 1; step <= 5; ++step) {
    gradient.weight.data()[0] = std::sin(step);
    gradient.bias.data()[0] = std::cos(step);
    adamw.step(context, rate, step, scale, layer, gradient, memory);

    const auto expected = [&](double& value, double& first, double& second, double slope, double decay) {
      first = 0.9 * first + 0.1 * slope;
      second = 0.99 * second + 0.01 * slope * slope;
      const double step_size =
          first / (1 - std::pow(0.9, step)) / (std::sqrt(second / (1 - std::pow(0.99, step))) + 1e-3);
      value -= rate * (step_size + decay * value);
    };
    expected(w, m_w, v_w, scale * std::sin(step), 0.2);
    expected(b, m_b, v_b, scale * std::cos(step), 0);
    CHECK(layer.weight.data()[0] == Approx(w).epsilon(1e-12));
    CHECK(layer.bias.data()[0] == Approx(b).epsilon(1e-12));
  }
}

TEST_CASE("a weight without a gradient is unchanged, also by weight decay", "[train]") {
  const CpuContext context;
  Layer layer = Layer::with_bias(2, 2);
  layer.weight.data()[3] = 7;
  layer.bias.data()[1] = 7;
  const auto trains_bias = [](const std::string& name) { return name == "bias"; };
  Layer gradient = gradient_for(layer, trains_bias);
  AdamWState memory(context, layer, gradient);
  gradient.bias.data()[1] = 1;
  AdamW{}.step(context, 0.1, 1, 1, layer, gradient, memory);
  CHECK(layer.weight.data()[3] == 7);
  CHECK(layer.bias.data()[1] < 7);
}

// 1 - float(0.99999) has a relative error of 1.4e-3, which the moments and, by half, the first step would have too.
TEST_CASE("the first step in float matches the one in double, also for betas near 1", "[train]") {
  const double beta_1 = GENERATE(0.0, 0.9, 0.999, 0.99999), beta_2 = GENERATE(0.95, 0.999, 0.99999);
  const CpuContext context;
  auto layer = Linear<float, Cpu<>>::without_bias(1, 1), gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  gradient.weight.data()[0] = 3;
  AdamW{.beta_1 = beta_1, .beta_2 = beta_2}.step(context, 1e-3, 1, 0.5, layer, gradient, memory);
  const auto& kept = memory.tensors()[0];
  CHECK(kept.m.data()[0] == Approx((1 - beta_1) * 1.5).epsilon(2e-7));
  CHECK(kept.v.data()[0] == Approx((1 - beta_2) * 2.25).epsilon(2e-7));
  CHECK(layer.weight.data()[0] == Approx(-1e-3 * 1.5 / (1.5 + 1e-8)).epsilon(4e-7));
}

}  // namespace train_adamw_test
