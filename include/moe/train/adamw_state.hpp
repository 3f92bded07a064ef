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

/// What AdamW remembers of each weight that trains: a list, so that it may be of other types than any layer, or of a
/// part of one.
///
///   AdamWState memory(context, layer, gradient);  at full precision: in float, or in double where the layer is
///   AdamWState<Backend, BFloat16, MasterWeights::split> memory(...);  in as few bytes as are asked for
///
///   Moment  double for a layer in double. For others float, or BFloat16, rounded by chance: most of what a step adds
///           to a moment is less than bfloat16 shows
///   master  what weights add up in. A layer in BFloat16 keeps some weights in float, its router's: they stay whole
template <class Backend_, class Moment_ = float, MasterWeights master_ = MasterWeights::float32>
class AdamWState {
 public:
  using Backend = Backend_;
  /// What a moment is kept as.
  using Moment = Moment_;
  /// What weights add up in.
  static constexpr MasterWeights master = master_;
  static_assert(std::is_same_v<Moment, float> || std::is_same_v<Moment, double> || std::is_same_v<Moment, BFloat16>,
                "AdamWState: 2nd argument must be float, double or moe::BFloat16");
  static_assert(!std::is_same_v<Moment, double> || master == MasterWeights::float32,
                "AdamWState: weights with moments in double are whole, with MasterWeights::float32");

  /// How weights of type Value are kept in a Tree.
  template <class Tree, class Value>
  static constexpr MasterWeights master_of =
      std::is_same_v<Value, float> && !std::is_same_v<typename Tree::Value, float> ? MasterWeights::float32 : master;

  /// What is remembered of one weight; empty where it does not train.
  struct Tensor {
    /// First and second moment, of the weight's shape.
    Matrix<Moment, Backend> m, v;
    /// With MasterWeights::split the weight's lower bits.
    Matrix<std::uint16_t, Backend> lower;
  };

  AdamWState() = default;
  /// Moments of zero for every weight that has a gradient. What such a weight has beyond bfloat16 moves into `lower`
  /// with MasterWeights::split, and is rounded away with MasterWeights::bfloat16. `seed` names the random bits of
  /// rounding. Throws Error for a gradient that does not fit the weights.
  template <Module Tree, Module Gradient>
  AdamWState(const typename Tree::Context& context, Tree& weights, const Gradient& gradient, std::uint64_t seed = 0)
      : seed_(seed) {
    require_gradient("AdamWState", std::as_const(weights), gradient);
    for_each_tensor(
        [&](const auto& weight, const auto& slope) {
          using Value = typename std::remove_cvref_t<decltype(weight)>::Value;
          static_assert(std::is_same_v<Value, double> == std::is_same_v<Moment, double>,
                        "AdamWState: weights in double, and no others, have moments in double");
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
    // Only now, so that weights are as they were where memory was out.
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

  /// In the order of for_each_tensor, for saving and loading.
  std::vector<Tensor>& tensors() { return tensors_; }
  /// The same, to be read.
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// Throws Error unless there are moments of the weight's shape, and with MasterWeights::split its lower bits, for
  /// every weight that has a gradient. Allocates only when it throws.
  template <class Tree, class Gradient>
  void require_fits(const Tree& weights, const Gradient& gradient) const {
    std::size_t count = 0;
    for_each_tensor([&](const auto&) { ++count; }, weights);
    require(count == tensors_.size(), "AdamWState", "the memory must be of these weights, of ",
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
                  "a weight with a gradient must have both moments of its shape, and lower halves where it is split, "
                  "got for ",
                  name, ": ", detail::shapes_of(weight, kept.m, kept.v, kept.lower));
        },
        weights, gradient);
  }

  /// What tensor number `tensor` is rounded by in step number `step`.
  RandomKey rounding(Index step, std::size_t tensor) const {
    return {.seed = seed_, .step = static_cast<std::uint32_t>(step), .layer = static_cast<std::uint32_t>(tensor)};
  }

 private:
  std::uint64_t seed_ = 0;
  std::vector<Tensor> tensors_;
};

/// For a layer in float or double: moments in its precision, and nothing else. For one in BFloat16 moments in float,
/// and split weights, which lose nothing.
template <Module Tree, Module Gradient>
AdamWState(const typename Tree::Context&, Tree&, const Gradient&, std::uint64_t = 0)
    -> AdamWState<typename Tree::Backend, Accum<typename Tree::Value>,
                  std::is_same_v<typename Tree::Value, BFloat16> ? MasterWeights::split : MasterWeights::float32>;

}  // namespace moe
