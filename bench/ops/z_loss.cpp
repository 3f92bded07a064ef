#include "moe/routing/steps/z_loss.hpp"

#include "bench/ops/op_bench.hpp"

namespace moe_bench {

void add_z_loss(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "z_loss", "forward", [](const Dealt& d) {
    return Call{[&d] { benchmark::DoNotOptimize(moe::z_loss<float, Cpu>(d.context, d.logits_TE())); }};
  });
  add_op(suite, context, shape, "z_loss", "backward", [](const Dealt& d) {
    auto d_logits_TE = std::make_shared<Tensor>(d.shape.rows, d.shape.experts);
    return Call{[&d, d_logits_TE] {
      moe::add_z_loss_backward<float, Cpu>(d.context, d.logits_TE(), 0.01, d_logits_TE->view());
    }};
  });
}

}  // namespace moe_bench
