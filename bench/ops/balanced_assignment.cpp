/// BASE's balanced assignment, whose time depends on how much the rows compete for the same experts.
#include "moe/routing/router/balanced_assignment.hpp"

#include <cmath>
#include <memory>

#include "bench/ops/op_bench.hpp"

namespace moe_bench {

namespace {

/// Every expert takes an even share of the rows. logit(noise, expert) makes a logit from a number of mean 0 and
/// deviation 1.
template <class Logit>
Call call_assignment(const Dealt& d, const Logit& logit) {
  struct Operands {
    Tensor logits_TE, price_1E;
    moe::Matrix<moe::ChoiceOrder, Cpu> chosen_TE;
  };
  const Index rows = d.shape.rows, experts = d.shape.experts;
  const auto o = std::make_shared<Operands>(
      Operands{uniform_tensor(d.context, rows, experts, 8), Tensor::uninitialized(d.context, 1, experts),
               moe::Matrix<moe::ChoiceOrder, Cpu>::uninitialized(d.context, rows, experts)});
  const auto logits_TE = o->logits_TE.view();
  for (Index r = 0; r < rows; ++r)
    for (Index e = 0; e < experts; ++e) logits_TE(r, e) = logit(logits_TE(r, e), e);
  const Index take = (rows + experts - 1) / experts;
  return Call{[&d, o, take] {
    moe::BalancedAssignment{}.choose<Cpu, float>(d.context, o->logits_TE.const_view(), take, o->chosen_TE.view(),
                                                 o->price_1E.view());
  }};
}

}  // namespace

void add_balanced_assignment(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "balanced_assignment", "forward",
         [](const Dealt& d) { return call_assignment(d, [](float noise, Index) { return noise; }); });
  // The first experts are preferred by most rows: popularity falls as in Zipf's law.
  add_op(suite, context, shape, "balanced_assignment_skewed", "forward", [](const Dealt& d) {
    return call_assignment(d, [](float noise, Index e) { return noise - std::log(static_cast<float>(e + 1)); });
  });
  // The worst case: every row prefers the experts in the same order.
  add_op(suite, context, shape, "balanced_assignment_equal_rows", "forward", [](const Dealt& d) {
    return call_assignment(d, [](float, Index e) { return -std::log(static_cast<float>(e + 1)); });
  });
}

}  // namespace moe_bench
