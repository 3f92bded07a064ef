#pragma once

#include <span>
#include <tuple>
#include <utility>

#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/experts/expert.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// y += FFN(x) for every row: DeepSeekMoE's shared experts (arXiv 2401.06066, eq. 9), which no gate weighs. Several of
/// them are one FFN of their inner channels together.
template <Expert X>
struct UngatedFfn {
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = UngatedFfn<typename X::template rebind<Other>>;

  /// What backward consumes: what the FFN keeps.
  using Saved = typename X::GroupSaved;
  /// What begin computes.
  struct Begun {
    /// FFN(x).
    Tensor s_TD;
    /// What backward needs.
    Saved saved;
  };

  /// What every row takes.
  X ffn;

  UngatedFfn() = default;
  /// All zero, for rows of `width` values and `hidden` inner channels.
  UngatedFfn(Index width, Index hidden) : ffn(width, hidden) {}

  /// Throws Error unless it reads rows of `width` values.
  void require_fits(Index width) const {
    require(ffn.width() == width, "UngatedFfn", "the path must read rows of ", width, " values, its FFN reads ",
            ffn.width());
    if constexpr (requires { ffn.require_consistent("UngatedFfn"); }) ffn.require_consistent("UngatedFfn");
  }

  /// Whether `saved` is what finish() keeps of so many rows.
  bool keeps(const Saved& saved, Index rows) const { return expert_keeps(ffn, saved, rows); }

  /// FFN(x) of every row.
  Begun begin(const Context& context, ConstView x_TD) const {
    Begun begun;
    std::tie(begun.s_TD, begun.saved) = X::forward_groups(context, std::span(&ffn, 1), x_TD, {0, x_TD.rows});
    return begun;
  }
  /// y_TD += FFN(x).
  Saved finish(const Context& context, Begun begun, View<Value, Backend> y_TD) const {
    add_to(context, begun.s_TD, y_TD);
    return std::move(begun.saved);
  }
  /// d_y_TD -> added to d_x_TD and into the gradient.
  template <class Slopes>
  void backward(const Context& context, ConstView d_y_TD, ConstView x_TD, Saved saved, View<Value, Backend> d_x_TD,
                Slopes& gradient) const {
    add_to(context,
           X::backward_groups(context, std::span(&ffn, 1), d_y_TD, {}, {0, x_TD.rows}, x_TD, std::move(saved), {},
                              ExpertSpan<decltype(gradient.ffn)>(std::span(&gradient.ffn, 1))),
           d_x_TD);
  }

  UngatedFfn structure() const { return structure_as<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    rebind<Other> tree;
    tree.ffn = detail::structure_as<Other>(ffn);
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    X::visit_parameters(visit, prefix + "shared_experts.", trees.ffn...);
  }
};

}  // namespace moe
