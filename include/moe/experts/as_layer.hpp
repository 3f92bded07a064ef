#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/trees.hpp"
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

}  // namespace detail

/// An expert as a layer of its own, the dense FFN of a model: `struct X : AsLayer<X, Value, Backend>`. X has
/// forward_groups, backward_groups, width, keeps, visit_parameters, its GroupSaved and rebind, and a constant `name`
/// for errors. The base adds what a layer has, infer_groups as forward_groups without what it keeps, and the structure
/// of a tree that is nothing but its tensors; an X that can do better hides them.
template <class X, class Value_, class Backend_>
struct AsLayer {
  static_assert(moe::Backend<Backend_>,
                "Glu, Mlp, AsLayer: the argument behind the value type must be a Backend such as Cpu<>; SwiGlu: 2nd "
                "argument must be a Backend such as Cpu<>");

  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// The gates of pairs.
  using ConstGates = View<const Wide<Value>, Backend>;
  /// Their gradients.
  using Gates = View<Wide<Value>, Backend>;
  using Stats = NoStats;
  using DecodingState = NoDecodingState;
  /// What backward consumes.
  using Saved = detail::ExpertSaved<X>;
  static constexpr bool is_causal = true;
  static constexpr bool is_batch_independent = true;

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    static constexpr detail::EntryName where(X::name, "forward");
    check(where, x_TD, batch);
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    auto [y_TD, group] = X::forward_groups(context, one, x_TD, {0, x_TD.rows});
    return {std::move(y_TD), {{}, x_TD, std::move(group)}, {}};
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, x_TD.const_view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }
  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors. Throws Error when d_y has another shape than
  /// x.
  template <detail::SlopesOf<X> Slopes>
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved&& consumed,
                  Slopes& gradient) const {
    static constexpr detail::EntryName where(X::name, "backward");
    require_output_gradient(where, d_y_TD, consumed.x_TD, d_stats);
    require_weights(where);
    require(self().keeps(consumed.group, d_y_TD.rows) && consumed.x_TD.cols == self().width(), where,
            "`saved` must be what forward of this layer returned, not consumed yet, got one for x of ",
            consumed.x_TD.rows, " x ", consumed.x_TD.cols);
    require_gradient(where, self(), gradient);
    Saved saved = std::move(consumed);
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    const std::span<Slopes> slopes(&gradient, 1);
    return X::backward_groups(context, one, d_y_TD, {}, {0, d_y_TD.rows}, saved.x_TD, std::move(saved.group), {},
                              ExpertSpan<Slopes>(slopes));
  }
  /// forward with nothing kept.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    static constexpr detail::EntryName where(X::name, "infer");
    check(where, x_TD, batch);
    const PhaseScope scope(context, Phase::experts);
    const std::span<const X> one = itself();
    return X::infer_groups(context, one, x_TD, {0, x_TD.rows});
  }
  /// Nothing to remember.
  DecodingState begin_decoding(const Context&, Index /*sequences*/) const { return {}; }
  /// infer over the first rows of every sequence.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState&) const {
    return infer(context, x_TD, batch);
  }
  /// One more row of each sequence. tokens_B is empty or has an id for each row. Throws Error when columns or ids do
  /// not fit.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B, DecodingState&) const {
    static constexpr detail::EntryName where(X::name, "decode");
    require_known(tokens_B, x_BD.rows, where, "there are", "token ids");
    return infer(context, x_BD, Batch::sequences(x_BD.rows, 1));
  }
  /// Nothing is learned outside gradients.
  void absorb(const Context&, const Stats&) {}

  /// forward_groups with nothing kept.
  static Tensor infer_groups(const Context& context, ExpertSpan<const X> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    return X::forward_groups(context, experts, x_ND, offsets).first;
  }

  X structure() const { return X{}; }
  /// The same tree of other values.
  template <class Other>
  auto structure_as() const {
    return typename X::template rebind<Other>{};
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string&, Trees&&...) {}

 private:
  const X& self() const { return static_cast<const X&>(*this); }
  // It is given a name before it becomes an ExpertSpan: nvcc 13 forgets a temporary one.
  std::span<const X> itself() const { return {&self(), 1}; }
  void require_weights(std::string_view where) const {
    if constexpr (requires { self().require_consistent(where); }) self().require_consistent(where);
  }
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require_weights(where);
    require_rows(where, x_TD, "its weights expect", self().width());
    require_batch(batch, x_TD.rows, where);
  }
};

}  // namespace moe
