#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/capacity/even_share.hpp"
#include "moe/routing/router/balanced_assignment.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "moe/routing/router/quantile_choice.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> balanced() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  // Divided by the sum of the gates, the gate of a single expert would always be 1.
  constexpr SigmoidOverChosen alone{.sums_to_scale = false};
  suite.push_back(token_strategy<B>("base", "balanced assignment in training, one expert per row; top-1 in inference",
                                    TrainInfer<BalancedAssignment, TopK>{}, alone, EvenShare{},
                                    {.losses = {}, .choices = 1}));
  suite.push_back(token_strategy<B>("sinkhorn", "Sinkhorn normalization, then top-1 in training; top-1 in inference",
                                    TrainInfer<SinkhornChoice, TopK>{}, alone, Unlimited{},
                                    {.losses = {}, .choices = 1}));
  suite.push_back(
      token_strategy<B>("quantile", "top-k after prices that balance training's loads; learned prices in inference",
                        TrainInfer<QuantileChoice, PricedTopK>{}, SoftmaxOverChosen{}, Unlimited{}, {.losses = {}}));
  return suite;
}

}  // namespace moe_bench
