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

/// What the backward of an expert as a layer consumes.
template <class X>
struct ExpertSaved {
  Matrix<typename X::Value, typename X::Backend> x_owned;
  View<const typename X::Value, typename X::Backend> x_TD;
  /// What the one group keeps.
  typename X::GroupSaved group;
};

/// What AsLayer's arguments name.
template <class Backend_>
struct AsLayerParts {
  static_assert(moe::Backend<Backend_>,
                "Glu, Mlp, AsLayer: the argument behind the value type must be a Backend such as Cpu<>; SwiGlu: 2nd "
                "argument must be a Backend such as Cpu<>");
  using Backend = Backend_;
};

}  // namespace detail

/// An expert as a layer of its own, the dense FFN of a model: `struct X : AsLayer<X, Value, Backend>`. X has
/// forward_groups, backward_groups, width, keeps, visit_parameters, its GroupSaved and rebind, and a constant `name`
/// for errors. The base adds what a layer has, infer_groups as forward_groups without what it keeps, the structure of a
/// tree that is nothing but its tensors, and a require_consistent that asks nothing; an X that can do better hides
/// them.
template <class X, class Value_, class Backend_>
struct AsLayer : LayerEntries<X, Value_, typename detail::AsLayerParts<Backend_>::Backend, AuxiliaryGradient> {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// The gates of pairs.
  using ConstGates = View<const Accum<Value>, Backend>;
  /// Their gradients.
  using Gates = View<Accum<Value>, Backend>;
  using Stats = NoStats;
  using DecodingState = NoDecodingState;
  /// What backward consumes.
  using Saved = detail::ExpertSaved<X>;
  static constexpr bool is_causal = true;
  static constexpr bool is_batch_invariant = true;
  /// What reads x, in errors.
  static constexpr std::string_view reader = "its weights expect";

  /// A single weight fits itself.
  void require_consistent(std::string_view) const {}
  /// Nothing is learned outside gradients.
  void update_buffers(const Context&, const Stats&) {}

  /// forward_groups with nothing kept.
  static Tensor infer_groups(const Context& context, ExpertSpan<const X> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    return X::forward_groups(context, experts, x_ND, offsets).first;
  }

  X empty_tree() const { return X{}; }
  /// The same tree of other values.
  template <class Other>
  auto empty_tree_of() const {
    return typename X::template rebind<Other>{};
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string&, Trees&&...) {}

 private:
  friend LayerEntries<X, Value, Backend, AuxiliaryGradient>;

  const X& self() const { return static_cast<const X&>(*this); }
  // It is given a name before it becomes an ExpertSpan: nvcc 13 forgets a temporary one.
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
  // Every row is answered alone: there is nothing to remember, and no choice that a record could have.
  DecodingState begin_state(const Context&, Index /*sequences*/) const { return {}; }
  static void require_state(std::string_view, const DecodingState&, Index, std::string_view, std::string_view) {}
  static void require_replay(std::string_view, const RoutingReplay&, const std::vector<Index>& /*offsets*/) {}
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch&, DecodingState&) const {
    return answer(context, x_TD);
  }
  Tensor make_next(const Context& context, ConstView x_BD, std::span<const std::int32_t>, DecodingState&) const {
    return answer(context, x_BD);
  }
};

}  // namespace moe
