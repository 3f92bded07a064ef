#pragma once

#include <concepts>
#include <span>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// The experts that work in one pass: one bank, or two, the second numbered after the first.
template <class X>
class ExpertSpan {
 public:
  /// Looks at one bank or two, which must outlive it.
  ExpertSpan(std::span<X> first, std::span<X> second = {}) : first_(first), second_(second) {}
  /// Number of experts.
  std::size_t size() const { return first_.size() + second_.size(); }
  X& operator[](std::size_t e) const { return e < first_.size() ? first_[e] : second_[e - first_.size()]; }

 private:
  std::span<X> first_, second_;
};

// What makes an expert, part by part: what is missing is named by the part that does not hold.
namespace detail {

template <class X>
concept ExpertTypes = requires {
  typename X::Value;
  typename X::Backend;
  typename X::GroupSaved;
  typename X::template rebind<Accum<typename X::Value>>;
}
&&Backend<typename X::Backend>;

/// The rows that an expert of type X reads and writes.
template <class X>
using ExpertRows = View<const typename X::Value, typename X::Backend>;
/// The gates of pairs.
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

/// A module that maps rows to rows of the same width and knows how to run many of itself at once: rows
/// [offsets[e], offsets[e+1]) go through experts[e].
///
///   Value, Backend, GroupSaved, rebind<Other>
///       what weights are kept as and where; what backward needs of forward; the same expert of other values
///   forward_groups(context, ExpertSpan<const X> experts, x_ND, offsets) -> pair of y_ND and GroupSaved
///       offsets are GroupOffsets, which may begin with the groups that are known, or a ListView<Index>
///   infer_groups(context, experts, x_ND, offsets) -> y_ND
///       the same bits with nothing kept
///   backward_groups(context, experts, d_y_ND, gates_1N, offsets, x_ND, saved, d_gates_1N, ExpertSpan<GradientTree>) ->
///   d_x_ND
///       of y_n = gates_n f(x_n), or of f(x_n) where gates are empty: adds weight gradients, skipping empty tensors,
///       and writes d_gates_n = <d_y_n, f(x_n)>. GradientTree are X or, where X keeps narrow values, X of wide ones
///   width(), keeps(saved, rows)
///       columns of x; whether `saved` is what forward_groups keeps of so many rows, not consumed yet
///   visit_parameters, empty_tree(), empty_tree_of<Other>()
///       the walk over its weights, and the same tree with every tensor empty (core/module.hpp)
///
/// Of the members that are asked for where they are: require_consistent(where) throws Error where weights do not fit
/// each other; visit_channels says which of them are an inner channel's (experts/channels.hpp). AsLayer
/// (experts/as_layer.hpp) makes an expert a dense layer of its own and writes half of this.
template <class X>
concept Expert = Module<X> && detail::ExpertTypes<X> && detail::ExpertForward<X> && detail::ExpertInfer<X> &&
    detail::ExpertBackward<X> && detail::ExpertWidth<X> && detail::ExpertKeeps<X> && detail::ExpertStructure<X>;

/// Whether `saved` is what the expert's forward_groups keeps of so many rows.
template <class X, class Saved>
bool expert_keeps(const X& expert, const Saved& saved, Index rows) {
  return expert.keeps(saved, rows);
}

}  // namespace moe
