#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include "moe/core/adamw_scalars.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// AdamW with decoupled weight decay (Loshchilov and Hutter) and bias correction. Tensors of one dimension (biases,
/// norms, learned vectors) do not decay.
struct AdamW {
  /// Decay of the first moment, in [0, 1).
  double beta_1 = 0.9;
  /// Decay of the second moment, in [0, 1).
  double beta_2 = 0.95;
  /// Added to the square root of the second moment.
  double epsilon = 1e-8;
  /// Weight decay; multiplied by the learning rate in each step.
  double decay = 0.1;

  /// Applies step number `step` (from 1) with learning rate `rate` to every weight that has a gradient; `memory` is the
  /// optimizer state (AdamWState), resident or offloaded. It allocates nothing, so a step cannot stop half-way for lack
  /// of memory.
  ///   g = scale gradient;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
  ///   w -= rate (m / (1-b1^step) / (sqrt(v / (1-b2^step)) + epsilon) + decay w)
  /// Throws Error, without changing anything, if a setting, the rate, the step or the scale is out of range, if the
  /// gradient does not match the weights, or if `memory` is of other weights or of another stream, or lacks a weight
  /// that has a gradient.
  template <Module Tree, Module Gradient, class Memory>
  void step(const typename Tree::Context& context, double rate, Index step, double scale, Tree& weights,
            const Gradient& gradient, Memory& memory) const {
    require_settings(rate, step, scale);
    require_gradient("AdamW::step", std::as_const(weights), gradient);
    memory.require_fits(std::as_const(weights), gradient);
    memory.template for_each_piece<true>(
        context, weights, gradient, [&](std::size_t number, auto& weight, const auto& slope, const auto& piece) {
          using Tensor = std::remove_cvref_t<decltype(weight)>;
          Tensor::Backend::template adamw<Memory::template master_of<Tree, typename Tensor::Value>>(
              context, piece.size, scalars_of<Tensor>(rate, step, scale), memory.rounding(step, number), piece.first,
              slope.data() + piece.first, weight.data() + piece.first, piece.lower, piece.m, piece.v);
        });
  }

 private:
  void require_settings(double rate, Index step, double scale) const {
    const auto decays = [](double beta) { return beta >= 0 && beta < 1; };
    const auto is_amount = [](double value) { return value >= 0 && std::isfinite(value); };
    require(decays(beta_1) && decays(beta_2), "AdamW::step", "betas must lie in [0, 1), got ", beta_1, " and ", beta_2);
    require(is_amount(epsilon) && is_amount(decay), "AdamW::step",
            "epsilon and decay must be finite and not negative, got ", epsilon, " and ", decay);
    require(is_amount(rate), "AdamW::step", "the learning rate must be finite and not negative, got ", rate);
    require(step >= 1, "AdamW::step", "steps count from 1, got ", step);
    require(std::isfinite(scale), "AdamW::step", "the gradient's scale must be finite, got ", scale);
  }
  template <class Tensor>
  AdamWScalars<Accum<typename Tensor::Value>> scalars_of(double rate, Index step, double scale) const {
    using Real = Accum<typename Tensor::Value>;
    const double correction_1 = 1 - std::pow(beta_1, static_cast<double>(step));
    const double correction_2 = 1 - std::pow(beta_2, static_cast<double>(step));
    const double shrink = Tensor::rank == 1 ? 1 : 1 - rate * decay;
    return {.scale = static_cast<Real>(scale),
            .beta_1 = static_cast<Real>(beta_1),
            .beta_2 = static_cast<Real>(beta_2),
            .rest_1 = static_cast<Real>(1 - beta_1),
            .rest_2 = static_cast<Real>(1 - beta_2),
            .rate = static_cast<Real>(rate / correction_1),
            .root = static_cast<Real>(1 / std::sqrt(correction_2)),
            .epsilon = static_cast<Real>(epsilon),
            .keep = static_cast<Real>(shrink)};
  }
};

}  // namespace moe
