#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "moe/core/bfloat16.hpp"

namespace moe {

namespace archetype {
/// Accepts the same weight of one tree.
struct Visitor {
  /// Takes a name and the tensors of that name.
  template <class... Tensors>
  void operator()(const std::string&, Tensors&&...) const {}
};
}  // namespace archetype

/// The prefix of a walk that asks for no names: whatever is added to it, no string is built and nothing is allocated.
struct Nameless {
  /// Which function the walk's errors name.
  std::string_view where = "walk";

  /// Still nameless.
  friend Nameless operator+(Nameless prefix, const auto&) { return prefix; }
  /// An empty name, where a name has to be said.
  operator std::string() const { return {}; }
};

/// Something that learns. `M::visit_parameters(visit, prefix, trees...)` calls visit(name, tensor of each tree...) for
/// every weight, in one fixed order; `empty_tree()` returns the same tree with every tensor empty: a gradient in which
/// nothing trains yet. A module that takes its prefix as `const auto&` and passes on what `prefix + "gate."` gives is
/// walked without building a name where nobody asks for names (Nameless).
template <class M>
concept Module = requires(M& module, const M& constant, archetype::Visitor visit, std::string prefix) {
  M::visit_parameters(visit, prefix, module);
  M::visit_parameters(visit, prefix, constant);
  { constant.empty_tree() } -> std::same_as<M>;
};

namespace detail {

/// A module's structure with values of another type: of its own where it keeps none.
template <class Other, class M>
auto empty_tree_of(const M& module) {
  if constexpr (requires { module.template empty_tree_of<Other>(); })
    return module.template empty_tree_of<Other>();
  else
    return module.empty_tree();
}

template <class M, class Other>
struct RebindTo {
  using Type = M;
};
template <class M, class Other>
requires requires { typename M::template rebind<Other>; }
struct RebindTo<M, Other> {
  using Type = typename M::template rebind<Other>;
};
/// The type of that structure.
template <class M, class Other>
using Rebind = typename RebindTo<M, Other>::Type;

/// The trees that take the gradient of a Layer: of its own type or, where it keeps narrow values, of wide ones.
template <class GradientTree, class Layer>
concept GradientTreeOf = std::same_as<GradientTree, Layer> ||
    std::same_as<GradientTree, typename Layer::template rebind<Accum<typename Layer::Value>>>;

}  // namespace detail

}  // namespace moe
