/// Dispatch: sorting pairs by expert and copying rows to them (ops/dispatch.hpp, and the operations of
/// experts/moe_ffn.hpp before the experts).
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

void add_dispatch(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "group_by_expert", "forward", [](const Dealt& d) {
    return Call{[&d] {
      benchmark::DoNotOptimize(Cpu::group_by_expert(d.context, d.decision.choice.chosen_RE).rows_1N.data());
    }};
  });
  add_op(suite, context, shape, "gates_of_pairs", "forward", [](const Dealt& d) {
    return Call{
        [&d] { benchmark::DoNotOptimize(moe::gates_of_pairs<float, Cpu>(d.context, d.gates_TE(), d.plan).data()); }};
  });
  add_op(suite, context, shape, "gather_rows", "forward", [](const Dealt& d) {
    auto x_ND = std::make_shared<Tensor>(d.pairs(), d.shape.width);
    return Call{[&d, x_ND] { Cpu::gather_rows(d.context, d.x_TD, d.plan, x_ND->view()); }, 0,
                float_bytes(2 * x_ND->size())};
  });
}

}  // namespace moe_bench
