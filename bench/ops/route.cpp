/// The routing of a layer: logits, choice, gates (routing/steps/choose.hpp, routing/steps/normalize.hpp).
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

void add_route(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "router_logits", "forward", [](const Dealt& d) {
    const double products = 2.0 * static_cast<double>(d.x_TD.size()) * static_cast<double>(d.shape.experts);
    return Call{[&d] { benchmark::DoNotOptimize(d.gating.gate.forward_row_by_row(d.context, d.x_TD).data()); },
                products};
  });
  add_op(suite, context, shape, "route", "forward", [](const Dealt& d) {
    return Call{[&d] {
      const auto choice = moe::route<float, Cpu>(d.context, d.gating.router, d.gating.capacity, d.logits_TE(), {}, {});
      benchmark::DoNotOptimize(choice.chosen_RE.data());
    }};
  });
  add_op(suite, context, shape, "normalize", "forward", [](const Dealt& d) {
    return Call{[&d] {
      const auto gates =
          moe::normalize<float, Cpu>(d.context, d.gating.normalizer, d.logits_TE(), d.decision.choice.chosen_RE.view());
      benchmark::DoNotOptimize(gates.data());
    }};
  });
  add_op(suite, context, shape, "normalize", "backward", [](const Dealt& d) {
    // The gates are used as their own gradient, since any values of that shape will do.
    return Call{
        [&d] { benchmark::DoNotOptimize(d.gating.normalizer_backward(d.context, d.gates_TE(), d.decision).data()); }};
  });
}

}  // namespace moe_bench
