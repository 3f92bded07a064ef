#pragma once

#include <concepts>
#include <utility>

#include "moe/core/view.hpp"

namespace moe {

/// A path that every row of a layer passes through in addition to the routed experts. `begin` runs before the routed
/// experts and computes everything that does not need y, `finish` adds to y, `backward` adds to d_x and to the
/// gradient.
template <class P, class Value, class B>
concept SharedPath = requires(const P& path, const typename B::Context& context, View<const Value, B> x_TD,
                              View<Value, B> y_TD, typename P::Saved saved, P& gradient) {
  { path.finish(context, path.begin(context, x_TD), y_TD) } -> std::same_as<typename P::Saved>;
  path.backward(context, x_TD, x_TD, std::move(saved), y_TD, gradient);
  { path.empty_tree() } -> std::same_as<P>;
};

/// No shared expert: the layer has routed experts only.
struct NoSharedExpert {
  template <class Other>
  using rebind = NoSharedExpert;
  struct Saved {};
  /// Computes nothing.
  template <class Context, class Input>
  Saved begin(const Context&, Input) const {
    return {};
  }
  /// Adds nothing.
  template <class Context, class Output>
  Saved finish(const Context&, Saved, Output) const {
    return {};
  }
  /// Adds nothing.
  template <class Context, class Gradient, class Input, class Output>
  void backward(const Context&, Gradient, Input, Saved, Output, NoSharedExpert&) const {}
  NoSharedExpert empty_tree() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

}  // namespace moe
