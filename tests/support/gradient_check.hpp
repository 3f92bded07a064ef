/// Compares analytic gradients with central differences in double. The selection of experts is piecewise constant:
/// inputs are drawn until the margin of every routing decision exceeds what a difference step can change.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/forward.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

inline constexpr double difference_step = 1e-6;
inline constexpr double gradient_margin = 100 * difference_step;
/// Tolerances of one component, relative if the gradient is larger than 1: for an operation or module, and for a whole
/// layer.
inline constexpr double component_bar = 1e-6, layer_bar = 1e-5;

using Tensor = Matrix<double, Cpu<>>;

/// Compares `analytic` with the central differences of loss() for at most `samples` of the `values`, spread over the
/// tensor.
inline void check_component_gradients(const std::string& what, View<double, Cpu<>> values,
                                      View<const double, Cpu<>> analytic, const std::function<double()>& loss,
                                      double bar, Index samples = 64) {
  INFO(what << ", MOE_TEST_SEED=" << seed());
  REQUIRE(analytic.rows == values.rows);
  REQUIRE(analytic.cols == values.cols);
  const Index step = values.size() / samples + 1;
  double worst = 0;
  Index worst_at = 0;
  for (Index i = 0; i < values.size(); i += step) {
    double& value = values(i / values.cols, i % values.cols);
    const double kept = value;
    value = kept + difference_step;
    const double above = loss();
    value = kept - difference_step;
    const double below = loss();
    value = kept;
    const double numeric = (above - below) / (2 * difference_step);
    const double error =
        std::abs(analytic(i / values.cols, i % values.cols) - numeric) / std::max(1.0, std::abs(numeric));
    // Written so that a NaN counts as wrong, and is not replaced by a later error.
    if (!(error <= worst)) worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error, worst_at = i;
  }
  INFO("component " << worst_at);
  CHECK(worst <= bar);
}

/// The loss <c, y>, whose gradient with respect to y is c.
inline double inner(const Tensor& c, const Tensor& y) {
  double sum = 0;
  for (Index i = 0; i < c.size(); ++i) sum += c.data()[i] * y.data()[i];
  return sum;
}

/// Checks the gradients of every weight and of the input of a layer for the loss <c, y> + losses(stats). d_losses are
/// the gradients of losses(stats) with respect to the layer's auxiliary losses.
template <class Layer, class LossGradients, class Losses>
void check_layer_gradients_of(Layer& layer, Tensor& x_TD, const Batch& batch, const LossGradients& d_losses,
                              const Losses& losses, double bar = layer_bar,
                              const CpuContext& context = {.threads = 1}) {
  Draw draw("gradient of a layer");
  const Tensor c_TD = random_matrix<double, Cpu<>>(draw, x_TD.rows(), x_TD.cols());
  const auto loss = [&] {
    const auto run = layer.forward(context, x_TD, batch);
    return inner(c_TD, run.output) + losses(run.stats);
  };
  Layer gradient = gradient_for(layer);
  auto run = layer.forward(context, x_TD, batch);
  const Tensor d_x_TD = layer.backward(context, c_TD, d_losses, std::move(run.saved), gradient);
  check_component_gradients("x", x_TD, d_x_TD, loss, bar);
  for_each_parameter([&](const std::string& name, auto& weight,
                         const auto& d_weight) { check_component_gradients(name, weight, d_weight, loss, bar); },
                     layer, gradient);
}

/// The same for the loss <c, y> + balance_weight * (balance loss + z-loss).
template <class Layer>
void check_layer_gradients(Layer& layer, Tensor& x_TD, const Batch& batch, double balance_weight,
                           double bar = layer_bar, const CpuContext& context = {.threads = 1}) {
  check_layer_gradients_of(
      layer, x_TD, batch, AuxiliaryGradient{.balance = balance_weight, .z = balance_weight},
      [&](const auto& stats) { return balance_weight * (stats.balance_loss() + stats.z_loss()); }, bar, context);
}

}  // namespace moe::testing
