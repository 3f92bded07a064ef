/// The operations of SwiGlu: products fused with activations.
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

namespace {

struct Activations {
  std::vector<Tensor> gate_FD, up_FD, down_DF;
  Tensor x_ND, a_NF, b_NF, h_NF, d_x_ND, gates_1N, d_gates_1N;

  explicit Activations(const Dealt& d) {
    const Index width = d.shape.width, hidden = d.shape.hidden;
    for (Index e = 0; e < d.shape.experts; ++e) {
      gate_FD.push_back(uniform_tensor(d.context, hidden, width, 5));
      up_FD.push_back(uniform_tensor(d.context, hidden, width, 6));
      down_DF.push_back(uniform_tensor(d.context, width, hidden, 7));
    }
    std::uint64_t seed = 8;
    for (Tensor* tensor : {&x_ND, &d_x_ND}) *tensor = uniform_tensor(d.context, d.pairs(), width, seed++);
    for (Tensor* tensor : {&gates_1N, &d_gates_1N}) *tensor = uniform_tensor(d.context, 1, d.pairs(), seed++);
    for (Tensor* tensor : {&a_NF, &b_NF, &h_NF}) *tensor = uniform_tensor(d.context, d.pairs(), hidden, seed++);
  }
  static std::vector<ConstView> views(const std::vector<Tensor>& weights) {
    std::vector<ConstView> result;
    for (const Tensor& weight : weights) result.push_back(weight.view());
    return result;
  }
  /// FLOPs of one product.
  double flops() const { return 2.0 * static_cast<double>(x_ND.size()) * static_cast<double>(h_NF.cols()); }
};

template <class Run>
Call call_on_activations(const Dealt& d, double products, const Run& run) {
  auto t = std::make_shared<Activations>(d);
  return Call{[&d, t, run] { run(d, *t); }, products * t->flops()};
}

}  // namespace

void add_swiglu(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "grouped_swiglu", "forward", [](const Dealt& dealt) {
    return call_on_activations(dealt, 2, [](const Dealt& d, Activations& t) {
      Cpu::grouped_glu(d.context, moe::Silu{}, t.x_ND, t.views(t.gate_FD), t.views(t.up_FD), d.plan.offsets,
                       t.a_NF.view(), t.b_NF.view(), t.h_NF.view());
    });
  });
  add_op(suite, context, shape, "grouped_swiglu", "infer", [](const Dealt& dealt) {
    return call_on_activations(dealt, 2, [](const Dealt& d, Activations& t) {
      Cpu::grouped_glu(d.context, moe::Silu{}, t.x_ND, t.views(t.gate_FD), t.views(t.up_FD), d.plan.offsets, {}, {},
                       t.h_NF.view());
    });
  });
  add_op(suite, context, shape, "grouped_swiglu", "backward", [](const Dealt& dealt) {
    return call_on_activations(dealt, 1, [](const Dealt& d, Activations& t) {
      Cpu::grouped_glu_backward(d.context, moe::Silu{}, t.x_ND, t.views(t.down_DF), d.plan.offsets, t.gates_1N,
                                t.a_NF.view(), t.b_NF.view(), t.h_NF.view(), t.d_gates_1N.view());
    });
  });
  add_op(suite, context, shape, "grouped_swiglu_input_gradient", "backward", [](const Dealt& dealt) {
    return call_on_activations(dealt, 2, [](const Dealt& d, Activations& t) {
      Cpu::grouped_glu_dgrad(d.context, t.a_NF, t.views(t.gate_FD), t.b_NF, t.views(t.up_FD), d.plan.offsets,
                             t.d_x_ND.view());
    });
  });
}

}  // namespace moe_bench
