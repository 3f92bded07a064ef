/// The operations of experts/moe_ffn.hpp after the experts: combining outputs into rows, forward and backward.
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

namespace {

struct Answers {
  Tensor y_ND, y_TD, gates_1N;

  explicit Answers(const Dealt& d)
      : y_ND(uniform_tensor(d.context, d.pairs(), d.shape.width, 7)),
        y_TD(uniform_tensor(d.context, d.shape.rows, d.shape.width, 8)),
        gates_1N(moe::gates_of_pairs<float, Cpu>(d.context, d.gates_TE(), d.plan)) {}
};

}  // namespace

void add_combine(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "combine_rows", "forward", [](const Dealt& d) {
    auto t = std::make_shared<Answers>(d);
    return Call{[&d, t] { Cpu::combine_rows(d.context, t->y_ND, t->gates_1N, d.plan, t->y_TD.view()); }, 0,
                float_bytes(t->y_ND.size() + t->y_TD.size())};
  });
  add_op(suite, context, shape, "sum_rows", "backward", [](const Dealt& d) {
    auto t = std::make_shared<Answers>(d);
    return Call{[&d, t] { Cpu::sum_rows(d.context, t->y_ND, d.plan, t->y_TD.view()); }, 0,
                float_bytes(t->y_ND.size() + t->y_TD.size())};
  });
}

}  // namespace moe_bench
