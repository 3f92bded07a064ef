#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/layer_entries.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/experts/expert.hpp"

namespace moe {

namespace detail {

/// Tensors that the backward pass of an expert used as a layer consumes.
template <class X>
struct ExpertSaved {
  Matrix<typename X::Value, typename X::Backend> x_owned;
  View<const typename X::Value, typename X::Backend> x_TD;
  /// Saved by forward_groups for the single group.
  typename X::GroupSaved group;
};

/// Checks AsLayer's template arguments and names the backend.
template <class Backend_>
struct AsLayerParts {
  static_assert(moe::Backend<Backend_>,
                "Glu, Mlp, AsLayer: the argument after the value type must be a Backend such as Cpu<>; SwiGlu: 2nd "
                "argument must be a Backend such as Cpu<>");
  using Backend = Backend_;
};

}  // namespace detail

/// CRTP base that makes an expert usable as a layer, the dense FFN of a model: `struct X : AsLayer<X, Value, Backend>`.
/// X defines forward_groups, backward_groups, width, keeps, visit_parameters, GroupSaved, rebind, and a constant `name`
/// for error messages. The base adds the layer interface and default implementations: infer_groups calls forward_groups
/// and discards the saved tensors, empty_tree and empty_tree_of return a default-constructed X, and require_consistent
/// checks nothing. X may hide these defaults with its own members.
template <class X, class Value_, class Backend_>
struct AsLayer : LayerEntries<X, Value_, typename detail::AsLayerParts<Backend_>::Backend, AuxiliaryGradient> {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Gates of the pairs (row, expert), [1, N].
  using ConstGates = View<const Accum<Value>, Backend>;
  /// Gradients of the gates, [1, N].
  using Gates = View<Accum<Value>, Backend>;
  using Stats = NoStats;
  using DecodingState = NoDecodingState;
  /// Tensors that backward consumes.
  using Saved = detail::ExpertSaved<X>;
  static constexpr bool is_causal = true;
  static constexpr bool is_batch_invariant = true;
  /// Clause of the error for x with a wrong number of columns: "x has 3 columns, its weights expect 4".
  static constexpr std::string_view reader = "its weights expect";

  /// Checks nothing by default.
  void require_consistent(std::string_view) const {}
  /// Does nothing: an FFN has no buffers.
  void update_buffers(const Context&, const Stats&) {}

  /// forward_groups without saved tensors.
  static Tensor infer_groups(const Context& context, ExpertSpan<const X> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    return X::forward_groups(context, experts, x_ND, offsets).first;
  }

  X empty_tree() const { return X{}; }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  auto empty_tree_of() const {
    return typename X::template rebind<Other>{};
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string&, Trees&&...) {}

 private:
  friend LayerEntries<X, Value, Backend, AuxiliaryGradient>;

  const X& self() const { return static_cast<const X&>(*this); }
  // Callers store the result in a named variable before the conversion to ExpertSpan: nvcc 13 drops a temporary span.
  std::span<const X> itself() const { return {&self(), 1}; }

  Forward<Tensor, Saved, Stats> make_forward(const Context& context, ConstView x_TD, const Batch&) const {
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    auto [y_TD, group] = X::forward_groups(context, one, x_TD, {0, x_TD.rows});
    return {std::move(y_TD), {{}, x_TD, std::move(group)}, {}};
  }
  void require_saved(std::string_view where, const Saved& saved) const {
    require(self().keeps(saved.group, saved.x_TD.rows) && saved.x_TD.cols == self().width(), where,
            "`saved` must be what forward of this layer returned, not consumed yet, got one for x of ", saved.x_TD.rows,
            " x ", saved.x_TD.cols);
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient, Saved saved,
                       GradientTree& gradient) const {
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    const std::span<GradientTree> slopes(&gradient, 1);
    return X::backward_groups(context, one, d_y_TD, {}, {0, d_y_TD.rows}, saved.x_TD, std::move(saved.group), {},
                              ExpertSpan<GradientTree>(slopes));
  }
  Tensor answer(const Context& context, ConstView x_TD) const {
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    return X::infer_groups(context, one, x_TD, {0, x_TD.rows});
  }
  Tensor make_inference(const Context& context, ConstView x_TD, const Batch&) const { return answer(context, x_TD); }
  // Rows are independent: there is no decoding state, and there is no expert choice to replay.
  DecodingState begin_state(const Context&, Index /*sequences*/) const { return {}; }
  static void require_state(std::string_view, const DecodingState&, Index, std::string_view, std::string_view) {}
  static void require_replay(std::string_view, const RoutingReplay&, const std::vector<Index>& /*offsets*/) {}
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch&, DecodingState&) const {
    return answer(context, x_TD);
  }
  Tensor make_decode(const Context& context, ConstView x_BD, std::span<const std::int32_t>, DecodingState&) const {
    return answer(context, x_BD);
  }
};

}  // namespace moe
