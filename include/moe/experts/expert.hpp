#pragma once

#include <concepts>
#include <span>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/comm/placement.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// The experts of one pass: one bank, or two, whose second bank is numbered after the first.
template <class X>
class ExpertSpan {
 public:
  /// Refers to one bank or two, which must outlive the span. Every expert is here.
  ExpertSpan(std::span<X> first, std::span<X> second = {}) : first_(first), second_(second) {}
  /// The same where experts may live on other ranks; a null `place_of_second` is that of a single bank.
  ExpertSpan(std::span<X> first, const PlacedExperts& place_of_first, std::span<X> second = {},
             const PlacedExperts* place_of_second = nullptr)
      : first_(first), second_(second), place_of_first_(&place_of_first), place_of_second_(place_of_second) {}
  /// Number of experts.
  std::size_t size() const { return first_.size() + second_.size(); }
  X& operator[](std::size_t e) const { return e < first_.size() ? first_[e] : second_[e - first_.size()]; }

  /// Whether an expert lives on another rank. Rows are then exchanged (comm/exchange.hpp).
  bool is_spread() const { return is_spread(place_of_first_) || is_spread(place_of_second_); }
  /// The rank that has expert e, or Placement::everywhere.
  int owner(std::size_t e) const {
    const bool is_first = e < first_.size();
    const PlacedExperts* place = is_first ? place_of_first_ : place_of_second_;
    return is_spread(place) ? place->owner[is_first ? e : e - first_.size()] : Placement::everywhere;
  }
  /// The place of a bank with experts on other ranks. Only if the span is spread.
  const PlacedExperts& place() const { return is_spread(place_of_first_) ? *place_of_first_ : *place_of_second_; }
  /// An expert whose weights are here, for the shape that all of them have; one of empty weights if none is here.
  X& any_here() const {
    for (std::size_t e = 0; e < size(); ++e)
      if (owner(e) == Placement::everywhere || owner(e) == place().rank) return (*this)[e];
    return (*this)[0];
  }

 private:
  static bool is_spread(const PlacedExperts* place) { return place != nullptr && place->is_spread(); }

  std::span<X> first_, second_;
  const PlacedExperts *place_of_first_ = nullptr, *place_of_second_ = nullptr;
};

// The requirements of an expert, one concept each, so that a compile error names the missing one.
namespace detail {

template <class X>
concept ExpertTypes = requires {
  typename X::Value;
  typename X::Backend;
  typename X::GroupSaved;
  typename X::template rebind<Accum<typename X::Value>>;
}
&&Backend<typename X::Backend>;

/// View of the rows that an expert of type X reads.
template <class X>
using ExpertRows = View<const typename X::Value, typename X::Backend>;
/// Gates of the pairs (row, expert), [1, N].
template <class X>
using ExpertGates = View<const Accum<typename X::Value>, typename X::Backend>;

template <class X>
concept ExpertForward = requires(const typename X::Backend::Context& context, ExpertSpan<const X> experts,
                                 ExpertRows<X> x_ND, const GroupOffsets& offsets) {
  {
    X::forward_groups(context, experts, x_ND, offsets)
    } -> std::same_as<std::pair<Matrix<typename X::Value, typename X::Backend>, typename X::GroupSaved>>;
};
template <class X>
concept ExpertInfer = requires(const typename X::Backend::Context& context, ExpertSpan<const X> experts,
                               ExpertRows<X> x_ND, const GroupOffsets& offsets) {
  { X::infer_groups(context, experts, x_ND, offsets) } -> std::same_as<Matrix<typename X::Value, typename X::Backend>>;
};
template <class X, class GradientTree>
concept ExpertBackwardInto = requires(const typename X::Backend::Context& context, ExpertSpan<const X> experts,
                                      ExpertRows<X> rows_ND, ExpertGates<X> gates_1N, ListView<Index> offsets,
                                      typename X::GroupSaved saved,
                                      View<Accum<typename X::Value>, typename X::Backend> d_gates_1N,
                                      ExpertSpan<GradientTree> gradients) {
  {
    X::backward_groups(context, experts, rows_ND, gates_1N, offsets, rows_ND, std::move(saved), d_gates_1N, gradients)
    } -> std::same_as<Matrix<typename X::Value, typename X::Backend>>;
};
template <class X>
concept ExpertBackward =
    ExpertBackwardInto<X, X> && ExpertBackwardInto<X, typename X::template rebind<Accum<typename X::Value>>>;
template <class X>
concept ExpertWidth = requires(const X& expert) {
  { expert.width() } -> std::same_as<Index>;
};
template <class X>
concept ExpertKeeps = requires(const X& expert, const typename X::GroupSaved& saved, Index rows) {
  { expert.keeps(saved, rows) } -> std::same_as<bool>;
};
template <class X>
concept ExpertStructure = requires(const X& expert) {
  { expert.empty_tree() } -> std::same_as<X>;
  {
    expert.template empty_tree_of<Accum<typename X::Value>>()
    } -> std::same_as<typename X::template rebind<Accum<typename X::Value>>>;
};

}  // namespace detail

/// A module that maps rows to rows of the same width and can run many experts of its type in one grouped call: rows
/// [offsets[e], offsets[e+1]) go through experts[e].
///
///   Value, Backend, GroupSaved, rebind<Other>
///       type and memory of the weights; saved tensors for backward; the same expert with another value type
///   forward_groups(context, ExpertSpan<const X> experts, x_ND, offsets) -> pair of y_ND and GroupSaved
///       offsets are GroupOffsets, of which some entries may still be pending, or a ListView<Index>
///   infer_groups(context, experts, x_ND, offsets) -> y_ND
///       bitwise identical to forward_groups, without saved tensors
///   backward_groups(context, experts, d_y_ND, gates_1N, offsets, x_ND, saved, d_gates_1N, ExpertSpan<GradientTree>) ->
///   d_x_ND
///       for y_n = gates_n f(x_n), or y_n = f(x_n) where gates are empty: adds weight gradients, skipping empty
///       tensors, and writes d_gates_n = <d_y_n, f(x_n)>. GradientTree is X or, where X has low-precision values
///       (bf16), X with values of accumulation precision
///   width(), keeps(saved, rows)
///       columns of x; whether `saved` comes from forward_groups over that many rows and has not been consumed
///   visit_parameters, empty_tree(), empty_tree_of<Other>()
///       visits the weights; the same tree with every tensor empty (core/module.hpp)
///
/// Optional members: require_consistent(where) throws Error if the weights' shapes do not match each other;
/// visit_channels declares the inner channels of each weight (experts/channels.hpp). AsLayer (experts/as_layer.hpp)
/// makes an expert a dense layer and provides defaults for several of these members.
template <class X>
concept Expert = Module<X> && detail::ExpertTypes<X> && detail::ExpertForward<X> && detail::ExpertInfer<X> &&
    detail::ExpertBackward<X> && detail::ExpertWidth<X> && detail::ExpertKeeps<X> && detail::ExpertStructure<X>;

/// Whether `saved` comes from the expert's forward_groups over `rows` rows and has not been consumed.
template <class X, class Saved>
bool expert_keeps(const X& expert, const Saved& saved, Index rows) {
  return expert.keeps(saved, rows);
}

}  // namespace moe
