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
  // Divided by its sum, the gate of a single expert would be 1 whatever the router says.
  constexpr SigmoidOverChosen alone{.sums_to_scale = false};
  suite.push_back(token_strategy<B>("base", "training assigns rows evenly, one expert each; inference takes the best",
                                    TrainInfer<BalancedAssignment, TopK>{}, alone, EvenShare{},
                                    {.losses = {}, .choices = 1}));
  suite.push_back(token_strategy<B>("sinkhorn", "training scales rows and columns even, then top-1; inference top-1",
                                    TrainInfer<SinkhornChoice, TopK>{}, alone, Unlimited{},
                                    {.losses = {}, .choices = 1}));
  suite.push_back(
      token_strategy<B>("quantile", "top-k after prices that even training's loads; inference by learned ones",
                        TrainInfer<QuantileChoice, PricedTopK>{}, SoftmaxOverChosen{}, Unlimited{}, {.losses = {}}));
  return suite;
}

}  // namespace moe_bench
