#include "moe/routing/steps/balance_loss.hpp"

#include "bench/ops/op_bench.hpp"
#include "moe/routing/balance/balance_over_all.hpp"

namespace moe_bench {

void add_balance_loss(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "balance_loss", "forward", [](const Dealt& d) {
    return Call{[&d, load = moe::loads_of(d.plan.offsets)] {
      benchmark::DoNotOptimize(
          moe::balance_loss<float, Cpu>(d.context, moe::BalanceOverAll{}, d.logits_TE(), load).loss);
    }};
  });
  add_op(suite, context, shape, "balance_loss", "backward", [](const Dealt& d) {
    auto shares = std::make_shared<moe::BalanceShares<float, Cpu>>(
        moe::balance_loss<float, Cpu>(d.context, moe::BalanceOverAll{}, d.logits_TE(), moe::loads_of(d.plan.offsets))
            .shares);
    auto d_logits_TE = std::make_shared<Tensor>(d.shape.rows, d.shape.experts);
    return Call{[&d, shares, d_logits_TE] {
      moe::add_balance_loss_backward<float, Cpu>(d.context, moe::BalanceOverAll{}, d.logits_TE(), *shares, 0.01, {},
                                                 d_logits_TE->view());
    }};
  });
}

}  // namespace moe_bench
