/// The three grouped products with one expert matrix [F, D] for each group: the verbs that SwiGlu is made of.
#include "bench/ops/op_bench.hpp"

namespace moe_bench {

namespace {

struct Products {
  std::vector<Tensor> weights;
  Tensor x_ND, y_NF;

  explicit Products(const Dealt& d)
      : x_ND(uniform_tensor(d.context, d.pairs(), d.shape.width, 3)),
        y_NF(uniform_tensor(d.context, d.pairs(), d.shape.hidden, 4)) {
    for (Index e = 0; e < d.shape.experts; ++e)
      weights.push_back(uniform_tensor(d.context, d.shape.hidden, d.shape.width, 5));
  }
  std::vector<ConstView> inputs() const {
    std::vector<ConstView> views;
    for (const Tensor& weight : weights) views.push_back(weight.view());
    return views;
  }
  std::vector<moe::View<float, Cpu>> outputs() {
    std::vector<moe::View<float, Cpu>> views;
    for (Tensor& weight : weights) views.push_back(weight.view());
    return views;
  }
  double flops() const { return 2.0 * static_cast<double>(x_ND.size()) * static_cast<double>(y_NF.cols()); }
};

template <class Run>
Call call_on_products(const Dealt& d, const Run& run) {
  auto p = std::make_shared<Products>(d);
  return Call{[&d, p, run] { run(d, *p); }, p->flops()};
}

}  // namespace

void add_products(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "grouped_product", "forward", [](const Dealt& dealt) {
    return call_on_products(dealt, [](const Dealt& d, Products& p) {
      Cpu::grouped_product(d.context, p.x_ND, p.inputs(), d.plan.offsets, p.y_NF.view());
    });
  });
  add_op(suite, context, shape, "grouped_product", "backward", [](const Dealt& dealt) {
    return call_on_products(dealt, [](const Dealt& d, Products& p) {
      Cpu::add_grouped_product_back(d.context, p.y_NF, p.inputs(), d.plan.offsets, p.x_ND.view());
    });
  });
  add_op(suite, context, shape, "grouped_weight_gradient", "backward", [](const Dealt& dealt) {
    return call_on_products(dealt, [](const Dealt& d, Products& p) {
      Cpu::grouped_weight_gradient(d.context, ConstView(p.y_NF), ConstView(p.x_ND), d.plan.offsets, p.outputs());
    });
  });
}

}  // namespace moe_bench
