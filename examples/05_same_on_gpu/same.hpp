/// A layer with a custom router, written once for all backends.
#pragma once

#include <cmath>
#include <cstddef>
#include <moe/layers/hybrid_moe.hpp>
#include <moe/layers/presets.hpp>
#include <moe/train/adamw.hpp>
#include <moe/train/initialize.hpp>
#include <moe/train/walk.hpp>
#include <string>
#include <vector>

/// Selects every expert whose probability exceeds `threshold`, and always the best one.
struct ThresholdRouter {
  float threshold = 0.2f;

  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> logits_E, moe::Row<moe::ChoiceOrder> chosen_E) const {
    const Real best = max(logits_E), total = sum_exp(logits_E, best);
    for (moe::Index e = 0; e < logits_E.size; ++e)
      chosen_E[e] = logits_E[e] == best || std::exp(logits_E[e] - best) > static_cast<Real>(threshold) * total;
  }
};

struct Outcome {
  /// Half the mean squared error, at every 10th step.
  std::vector<double> losses;
  /// Mean number of experts per row in the last step.
  double experts_per_row = 0;
};

/// Trains a layer for 40 steps to reverse the order of the values in each row. The context selects the device.
template <class B>
Outcome train(const typename B::Context& context) {
  using Tensor = moe::Matrix<float, B>;
  const moe::Index rows = 256, width = 16;
  moe::TokenMoE layer(ThresholdRouter{}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, B>>(4, width, 32));
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.3);
  auto x_TD = Tensor::uninitialized(context, rows, width);
  moe::draw_normal(context, x_TD, /*seed=*/2, "x", /*deviation=*/1);

  auto gradient = moe::gradient_for(layer);
  moe::AdamWState adamw_state(context, layer, gradient);
  Outcome outcome;
  for (int step = 1; step <= 40; ++step) {
    auto [y_TD, saved, stats] = layer.forward(context, x_TD, moe::Batch::single(rows));
    auto d_y_TD = Tensor::uninitialized(context, rows, width);
    std::vector<float> x(static_cast<std::size_t>(rows * width)), y = x;
    B::download(context, x_TD.const_view(), x.data());
    B::download(context, y_TD.const_view(), y.data());
    double loss = 0;
    for (std::size_t t = 0; t < x.size(); t += width)
      for (std::size_t d = 0; d < width; ++d) {
        const float left = y[t + d] - x[t + width - 1 - d];
        loss += 0.5 * left * left / static_cast<double>(rows * width);
        y[t + d] = left / static_cast<float>(rows * width);
      }
    B::upload(context, y.data(), d_y_TD.view());
    if (step % 10 == 0) outcome.losses.push_back(loss);

    moe::set_to_zero(context, gradient);
    layer.backward(context, d_y_TD, {}, std::move(saved), gradient);
    moe::AdamW{.decay = 0}.step(context, /*rate=*/0.01, step, /*scale=*/1, layer, gradient, adamw_state);
    outcome.experts_per_row = 0;
    for (const moe::Index load : stats.load) outcome.experts_per_row += static_cast<double>(load) / rows;
  }
  return outcome;
}
