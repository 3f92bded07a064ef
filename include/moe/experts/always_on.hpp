#pragma once

namespace moe {

/// No path beside the routed experts.
struct NoAlwaysOn {
  template <class Other>
  using rebind = NoAlwaysOn;
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
  void backward(const Context&, Gradient, Input, Saved, Output, NoAlwaysOn&) const {}
  NoAlwaysOn structure() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

}  // namespace moe
