#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// AdamW's optimizer state: moments and master-weight bits of each weight that trains. It is a flat list of tensors, so
/// its value types are independent of the layer's, and it can cover a part of a layer.
///
///   AdamWState adamw_state(context, layer, gradient);  full precision: float, or double for a layer in double
///   AdamWState<Backend, BFloat16, MasterWeights::split> adamw_state(...);  reduced memory
///
///   Moment  double for a layer in double. For other layers float, or BFloat16 with stochastic rounding, because most
///           changes of a moment in one step are smaller than bfloat16 resolves
///   master  representation in which weights are accumulated. A layer in BFloat16 has some weights in float, such as
///           the router's; these always use MasterWeights::float32
template <class Backend_, class Moment_ = float, MasterWeights master_ = MasterWeights::float32>
class AdamWState {
 public:
  using Backend = Backend_;
  /// Type that the moments are stored in.
  using Moment = Moment_;
  /// Representation in which weights are accumulated.
  static constexpr MasterWeights master = master_;
  static_assert(std::is_same_v<Moment, float> || std::is_same_v<Moment, double> || std::is_same_v<Moment, BFloat16>,
                "AdamWState: 2nd argument must be float, double or moe::BFloat16");
  static_assert(!std::is_same_v<Moment, double> || master == MasterWeights::float32,
                "AdamWState: moments in double require MasterWeights::float32");

  /// Master-weight representation for weights of type Value in a Tree.
  template <class Tree, class Value>
  static constexpr MasterWeights master_of =
      std::is_same_v<Value, float> && !std::is_same_v<typename Tree::Value, float> ? MasterWeights::float32 : master;

  /// State of one weight; empty if it does not train.
  struct Tensor {
    /// First and second moment, of the weight's shape.
    Matrix<Moment, Backend> m, v;
    /// With MasterWeights::split the lower 16 bits of each float master weight.
    Matrix<std::uint16_t, Backend> lower;
  };

  AdamWState() = default;
  /// Zero moments for every weight that has a gradient. Such a weight is rounded to bfloat16; its lower bits move into
  /// `lower` with MasterWeights::split and are discarded with MasterWeights::bfloat16. `seed` selects the random bits
  /// of stochastic rounding. Throws Error if the gradient does not match the weights.
  template <Module Tree, Module Gradient>
  AdamWState(const typename Tree::Context& context, Tree& weights, const Gradient& gradient, std::uint64_t seed = 0)
      : seed_(seed) {
    require_gradient("AdamWState", std::as_const(weights), gradient);
    for_each_tensor(
        [&](const auto& weight, const auto& slope) {
          using Value = typename std::remove_cvref_t<decltype(weight)>::Value;
          static_assert(std::is_same_v<Value, double> == std::is_same_v<Moment, double>,
                        "AdamWState: weights in double require moments in double, other weights do not allow them");
          static_assert(master_of<Tree, Value> != MasterWeights::float32 || !std::is_same_v<Value, BFloat16>,
                        "AdamWState: weights in moe::BFloat16 need MasterWeights::split or MasterWeights::bfloat16");
          Tensor tensor;
          if (!slope.empty()) {
            tensor.m = Matrix<Moment, Backend>(weight.rows(), weight.cols());
            tensor.v = Matrix<Moment, Backend>(weight.rows(), weight.cols());
            if constexpr (master_of<Tree, Value> == MasterWeights::split)
              tensor.lower = Matrix<std::uint16_t, Backend>(weight.rows(), weight.cols());
          }
          tensors_.push_back(std::move(tensor));
        },
        std::as_const(weights), gradient);
    // In a second pass, so that the weights are unchanged if an allocation above throws.
    std::size_t next = 0;
    for_each_tensor(
        [&](auto& weight, const auto& slope) {
          using Weight = std::remove_cvref_t<decltype(weight)>;
          Tensor& tensor = tensors_[next++];
          if constexpr (master_of<Tree, typename Weight::Value> != MasterWeights::float32)
            if (!slope.empty())
              Weight::Backend::narrow_weights(context, weight.size(), weight.data(), tensor.lower.data());
        },
        weights, gradient);
  }

  /// State of each weight, in the order of for_each_tensor, for saving and loading.
  std::vector<Tensor>& tensors() { return tensors_; }
  /// The same, read-only.
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// Throws Error unless every weight that has a gradient has moments of its shape and, with MasterWeights::split, its
  /// lower bits. Allocates only when it throws.
  template <class Tree, class Gradient>
  void require_fits(const Tree& weights, const Gradient& gradient) const {
    std::size_t count = 0;
    for_each_tensor([&](const auto&) { ++count; }, weights);
    require(count == tensors_.size(), "AdamWState", "the optimizer state must be of these weights, ",
            counted(count, "tensors"), ", got one of ", tensors_.size());
    const auto fits = [](const auto& weight, const auto& slope, const Tensor& kept) {
      using Value = typename std::remove_cvref_t<decltype(weight)>::Value;
      const bool has_lower = master_of<Tree, Value> != MasterWeights::split || SameShape{}(weight, kept.lower);
      return slope.empty() || (SameShape{}(weight, kept.m, kept.v) && has_lower);
    };
    bool all_fit = true;
    std::size_t next = 0;
    for_each_tensor(
        [&](const auto& weight, const auto& slope) { all_fit = fits(weight, slope, tensors_[next++]) && all_fit; },
        weights, gradient);
    if (all_fit) [[likely]]
      return;
    next = 0;
    for_each_parameter(
        [&](const std::string& name, const auto& weight, const auto& slope) {
          const Tensor& kept = tensors_[next++];
          require(fits(weight, slope, kept), "AdamWState",
                  "a weight with a gradient must have both moments of its shape, and its lower bits where it is split, "
                  "got for ",
                  name, ": ", detail::shapes_of(weight, kept.m, kept.v, kept.lower));
        },
        weights, gradient);
  }

  /// Key of the random bits that round tensor number `tensor` in step number `step`.
  RandomKey rounding(Index step, std::size_t tensor) const {
    return {.seed = seed_, .step = static_cast<std::uint32_t>(step), .layer = static_cast<std::uint32_t>(tensor)};
  }

 private:
  std::uint64_t seed_ = 0;
  std::vector<Tensor> tensors_;
};

/// For a layer in float or double: moments of the layer's precision only. For a layer in BFloat16: moments in float,
/// and split master weights, which are exact float values.
template <Module Tree, Module Gradient>
AdamWState(const typename Tree::Context&, Tree&, const Gradient&, std::uint64_t = 0)
    -> AdamWState<typename Tree::Backend, Accum<typename Tree::Value>,
                  std::is_same_v<typename Tree::Value, BFloat16> ? MasterWeights::split : MasterWeights::float32>;

}  // namespace moe
