#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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
#include "moe/train/state_place.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// AdamW's optimizer state: moments and master-weight bits of each weight that trains. It is a flat list of tensors, so
/// its value types are independent of the layer's, and it can cover a part of a layer.
///
///   AdamWState adamw_state(context, layer, gradient);  full precision: float, or double for a layer in double
///   AdamWState<Backend, BFloat16, MasterWeights::split> adamw_state(...);  reduced memory
///   AdamWState<Backend, float, MasterWeights::split, Offloaded> adamw_state(...);  in the memory of the host
///
///   Moment  double for a layer in double. For other layers float, or BFloat16 with stochastic rounding, because most
///           changes of a moment in one step are smaller than bfloat16 resolves
///   master  representation in which weights are accumulated. A layer in BFloat16 has some weights in float, such as
///           the router's; these always use MasterWeights::float32
///   Place   Resident: in the memory of the backend. Offloaded: in pinned host memory of a device's machine, with the
///           same bits
template <class Backend_, class Moment_ = float, MasterWeights master_ = MasterWeights::float32,
          class Place_ = Resident>
class AdamWState {
 public:
  using Backend = Backend_;
  /// Type that the moments are stored in.
  using Moment = Moment_;
  /// Representation in which weights are accumulated.
  static constexpr MasterWeights master = master_;
  /// Where the state is kept.
  using Place = Place_;
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
    typename Place::template Tensor<Moment, Backend> m, v;
    /// With MasterWeights::split the lower 16 bits of each float master weight.
    typename Place::template Tensor<std::uint16_t, Backend> lower;
  };
  /// Names a member of Tensor.
  enum class Part : std::uint8_t {
    /// The first moment.
    m,
    /// The second moment.
    v,
    /// The lower 16 bits of the master weights.
    lower,
  };

  AdamWState() = default;
  /// Zero moments for every weight that has a gradient. Such a weight is rounded to bfloat16; its lower bits move into
  /// `lower` with MasterWeights::split and are discarded with MasterWeights::bfloat16. `seed` selects the random bits
  /// of stochastic rounding. Throws Error if the gradient does not match the weights, std::bad_alloc if there is not
  /// enough memory; the weights are then unchanged.
  template <Module Tree, Module Gradient>
  AdamWState(const typename Tree::Context& context, Tree& weights, const Gradient& gradient, std::uint64_t seed = 0,
             const Place& place = {})
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
            tensor.m = {weight.rows(), weight.cols()};
            tensor.v = {weight.rows(), weight.cols()};
            if constexpr (master_of<Tree, Value> == MasterWeights::split) tensor.lower = {weight.rows(), weight.cols()};
          }
          tensors_.push_back(std::move(tensor));
        },
        std::as_const(weights), gradient);
    access_ = Access(context, place, tensors_);
    // In a second pass, so that the weights are unchanged if an allocation above throws.
    for_each_piece<false>(
        context, weights, gradient, [&](std::size_t, auto& weight, const auto&, const StatePiece<Moment>& piece) {
          using Weight = std::remove_cvref_t<decltype(weight)>;
          if constexpr (master_of<Tree, typename Weight::Value> != MasterWeights::float32)
            Weight::Backend::narrow_weights(context, piece.size, weight.data() + piece.first, piece.lower);
        });
  }
  /// Takes over the other state and leaves it empty.
  AdamWState(AdamWState&& other) noexcept { swap(other); }
  /// The same; its own state is freed.
  AdamWState& operator=(AdamWState&& other) noexcept {
    AdamWState taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~AdamWState() = default;

  /// State of each weight, in the order of for_each_tensor. The values of an Offloaded state are memory of the host,
  /// which it may read and write after wait(), until the next step.
  std::vector<Tensor>& tensors() { return tensors_; }
  /// The same, read-only.
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// The host waits until the values in its memory are those after the last step.
  void wait() const { access_.wait(); }
  /// Copies values of a tensor to the host, from value `first` on: as many as fill `to`, which is aligned for them.
  /// Throws Error if the tensor has fewer.
  void read(const typename Backend::Context& context, std::size_t tensor, Part part, Index first,
            std::span<std::byte> to) const {
    with(*this, tensor, part, [&](const auto& from) {
      access_.read(context, from, first, require_range("AdamWState::read", from, first, to), to.data());
    });
  }
  /// The same in the other direction.
  void write(const typename Backend::Context& context, std::size_t tensor, Part part, Index first,
             std::span<const std::byte> from) {
    with(*this, tensor, part, [&](auto& to) {
      access_.write(context, to, first, require_range("AdamWState::write", to, first, from), from.data());
    });
  }

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

  /// For a step: calls visit(number, weight, slope, piece) for the state of every weight that has a gradient, in pieces
  /// of the place's choice; `number` is the tensor's. The visitor enqueues work that updates the piece in the memory of
  /// the backend. Without `has_values`, the piece's values are not defined before. Allocates nothing. Throws Error if
  /// the context is of another stream than an Offloaded state.
  template <bool has_values, class Tree, class Gradient, class Visit>
  void for_each_piece(const typename Tree::Context& context, Tree& weights, const Gradient& gradient,
                      const Visit& visit) {
    access_.require_context(context);
    std::size_t next = 0;
    Index pieces = 0;
    for_each_tensor(
        [&](auto& weight, const auto& slope) {
          const std::size_t number = next++;
          access_.template for_each_piece<has_values>(
              tensors_[number], !slope.empty(), pieces,
              [&](const StatePiece<Moment>& piece) { visit(number, weight, slope, piece); });
        },
        weights, gradient);
  }

  /// Key of the random bits that round tensor number `tensor` in step number `step`.
  RandomKey rounding(Index step, std::size_t tensor) const {
    return {.seed = seed_, .step = static_cast<std::uint32_t>(step), .layer = static_cast<std::uint32_t>(tensor)};
  }

 private:
  using Access = typename Place::template Access<Backend, Moment>;

  void swap(AdamWState& other) noexcept {
    std::swap(seed_, other.seed_);
    std::swap(tensors_, other.tensors_);
    std::swap(access_, other.access_);
  }
  /// Calls use(part of the tensor).
  template <class Self, class Use>
  static void with(Self& self, std::size_t tensor, Part part, const Use& use) {
    require(tensor < self.tensors_.size(), "AdamWState", "the state has ", counted(self.tensors_.size(), "tensors"),
            ", got number ", tensor);
    auto& kept = self.tensors_[tensor];
    if (part == Part::lower) return use(kept.lower);
    use(part == Part::m ? kept.m : kept.v);
  }
  /// The number of values in `bytes`, which the tensor has from `first` on.
  template <class Values, class Bytes>
  static Index require_range(std::string_view where, const Values& values, Index first, const Bytes& bytes) {
    using Value = typename Values::Value;
    const auto count = static_cast<Index>(bytes.size() / sizeof(Value));
    require(bytes.size() % sizeof(Value) == 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Value) == 0,
            where, "the bytes must be whole values of ", sizeof(Value), " bytes, aligned for them, got ", bytes.size());
    require(first >= 0 && first <= values.size() && count <= values.size() - first, where, "the tensor has ",
            counted(values.size(), "values"), ", got ", count, " from number ", first);
    return count;
  }

  std::uint64_t seed_ = 0;
  std::vector<Tensor> tensors_;
  // After the tensors, so that its copies end before their memory is freed.
  Access access_;
};

/// For a layer in float or double: moments of the layer's precision only. For a layer in BFloat16: moments in float,
/// and split master weights, which are exact float values.
template <Module Tree, Module Gradient>
AdamWState(const typename Tree::Context&, Tree&, const Gradient&, std::uint64_t = 0)
    -> AdamWState<typename Tree::Backend, Accum<typename Tree::Value>,
                  std::is_same_v<typename Tree::Value, BFloat16> ? MasterWeights::split : MasterWeights::float32>;
/// The same in a chosen place.
template <Module Tree, Module Gradient, class Place>
AdamWState(const typename Tree::Context&, Tree&, const Gradient&, std::uint64_t, const Place&)
    -> AdamWState<typename Tree::Backend, Accum<typename Tree::Value>,
                  std::is_same_v<typename Tree::Value, BFloat16> ? MasterWeights::split : MasterWeights::float32,
                  Place>;

}  // namespace moe
