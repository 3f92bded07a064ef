/// The three grouped products with one matrix [F, D] for each group.
#include "bench/ops/op_bench.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#ifdef MOE_BENCH_ONEDNN
#include "moe/onednn.hpp"
#endif

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

/// The three products with another Gemm, whose backend uses its own views of the same memory.
template <class Gemm>
void add_products_by(Suite& suite, const Context& context, const Shape& shape, const std::string& gemm) {
  using Other = moe::Cpu<Gemm>;
  const auto seen = [](auto view) {
    return moe::View<std::remove_pointer_t<decltype(view.data)>, Other>(view.data, view.rows, view.cols, view.stride);
  };
  const auto all_seen = [seen](const auto& views) {
    std::vector<decltype(seen(views.front()))> result;
    for (const auto& view : views) result.push_back(seen(view));
    return result;
  };
  const auto other_context = [](const Context& c) {
    typename Other::Context other;
    other.threads = c.threads;
    other.pool = c.pool;
    other.workers = c.workers;
    return other;
  };
  add_op(suite, context, shape, "grouped_product" + gemm, "forward", [=](const Dealt& dealt) {
    return call_on_products(dealt, [=, c = other_context(dealt.context)](const Dealt& d, Products& p) {
      Other::grouped_product(c, seen(ConstView(p.x_ND)), all_seen(p.inputs()), d.plan.offsets, seen(p.y_NF.view()));
    });
  });
  add_op(suite, context, shape, "grouped_product" + gemm, "backward", [=](const Dealt& dealt) {
    return call_on_products(dealt, [=, c = other_context(dealt.context)](const Dealt& d, Products& p) {
      Other::add_grouped_dgrad(c, seen(ConstView(p.y_NF)), all_seen(p.inputs()), d.plan.offsets, seen(p.x_ND.view()));
    });
  });
  add_op(suite, context, shape, "grouped_wgrad" + gemm, "backward", [=](const Dealt& dealt) {
    return call_on_products(dealt, [=, c = other_context(dealt.context)](const Dealt& d, Products& p) {
      Other::grouped_wgrad(c, seen(ConstView(p.y_NF)), seen(ConstView(p.x_ND)), d.plan.offsets, all_seen(p.outputs()));
    });
  });
}

}  // namespace

void add_products(Suite& suite, const Context& context, const Shape& shape) {
  add_products_by<moe::TileGemm>(suite, context, shape, "");
  add_products_by<moe::EigenGemm>(suite, context, shape, "_eigen");
#ifdef MOE_BENCH_ONEDNN
  add_products_by<moe::OneDnnGemm>(suite, context, shape, "_onednn");
#endif
}

}  // namespace moe_bench
