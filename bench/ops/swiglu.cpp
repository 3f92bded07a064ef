/// What SwiGlu does between its products.
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

namespace {

struct Activations {
  Tensor a_NF, b_NF, d_h_NF, d_a_NF, d_b_NF, h_NF;

  explicit Activations(const Dealt& d) {
    std::uint64_t seed = 6;
    for (Tensor* tensor : {&a_NF, &b_NF, &d_h_NF, &d_a_NF, &d_b_NF, &h_NF})
      *tensor = uniform_tensor(d.context, d.pairs(), d.shape.hidden, seed++);
  }
};

}  // namespace

void add_swiglu(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "swiglu", "forward", [](const Dealt& d) {
    auto t = std::make_shared<Activations>(d);
    return Call{[&d, t] { Cpu::swiglu(d.context, t->a_NF, t->b_NF, t->h_NF.view()); }, 0,
                float_bytes(3 * t->a_NF.size())};
  });
  add_op(suite, context, shape, "swiglu", "backward", [](const Dealt& d) {
    auto t = std::make_shared<Activations>(d);
    return Call{[&d, t] {
                  Cpu::swiglu_back(d.context, t->a_NF, t->b_NF, t->d_h_NF, t->d_a_NF.view(), t->d_b_NF.view(),
                                   t->h_NF.view());
                },
                0, float_bytes(6 * t->a_NF.size())};
  });
}

}  // namespace moe_bench
