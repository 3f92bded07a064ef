// error: a routing module must have backward(context, part, d_weights_1N, d_losses, saved, x_TD, gradient, d_x_TD)
// const
#include "moe/backend/cpu/cpu.hpp"
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

/// Has no trainable weights and no backward.
struct Everyone : StatelessRouting<Everyone, float, Cpu<>> {
  struct Saved {};
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;
  Index width() const { return 8; }
  Index experts() const { return 6; }
  bool keeps(const Saved&, Index) const { return true; }
  template <class Mode>
  RoutingResult route(const Context&, ConstView, const Batch&) const {
    return {};
  }
  Everyone empty_tree() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

TokenMoE layer(Everyone{}, ExpertBank<SwiGlu<float, Cpu<>>>(6, 8, 16));
