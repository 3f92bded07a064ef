#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"

namespace moe {

namespace archetype {
/// Stands for a visitor of parameter trees.
struct Visitor {
  /// Accepts a name and the tensor of that name from each tree.
  template <class... Tensors>
  void operator()(const std::string&, Tensors&&...) const {}
};
}  // namespace archetype

/// The prefix of a walk without names: adding to it builds no string and allocates nothing.
struct Nameless {
  /// The function that the walk's errors name.
  std::string_view where = "walk";

  /// Returns the prefix unchanged.
  friend Nameless operator+(Nameless prefix, const auto&) { return prefix; }
  /// An empty name, where a string is required.
  operator std::string() const { return {}; }
};

namespace detail {

/// The prefix of element `index` of a list, such as "experts.3."; not inlined into every walk over a list.
[[gnu::noinline]] inline std::string element_prefix(const std::string& prefix, std::string_view list, Index index) {
  std::string result = prefix;
  result += list;
  result += std::to_string(index);
  result += '.';
  return result;
}
inline Nameless element_prefix(Nameless prefix, std::string_view, Index) { return prefix; }

}  // namespace detail

/// A parameter tree: a trainable module. `M::visit_parameters(visit, prefix, trees...)` calls visit(name, tensor of
/// each tree...) for every weight, in a fixed order; `empty_tree()` returns the same tree with every tensor empty: a
/// gradient tree in which no weight trains yet. If a module takes its prefix as `const auto&` and passes on
/// `prefix + "gate."`, a walk without names (Nameless) builds no strings.
template <class M>
concept Module = requires(M& module, const M& constant, archetype::Visitor visit, std::string prefix) {
  M::visit_parameters(visit, prefix, module);
  M::visit_parameters(visit, prefix, constant);
  { constant.empty_tree() } -> std::same_as<M>;
};

namespace detail {

/// A module's empty tree with values of another type, or the same tree if the module has no values.
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
/// The type of that tree.
template <class M, class Other>
using Rebind = typename RebindTo<M, Other>::Type;

/// The gradient trees of a Layer: its own type or, if it has low-precision values, the same tree in accumulation
/// precision.
template <class GradientTree, class Layer>
concept GradientTreeOf = std::same_as<GradientTree, Layer> ||
    std::same_as<GradientTree, typename Layer::template rebind<Accum<typename Layer::Value>>>;

}  // namespace detail

}  // namespace moe
