#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"
#include "moe/policies/capacity/even_share.hpp"
#include "moe/policies/router/balanced_assignment.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> balanced() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(token_strategy<B>("base", "training assigns rows evenly, one expert each; inference takes the best",
                                    Routing<BalancedAssignment, TopK>{}, SigmoidOverChosen{}, EvenShare{},
                                    {.losses = {}, .choices = 1}));
  suite.push_back(token_strategy<B>("sinkhorn", "training scales rows and columns even, then top-1; inference top-1",
                                    Routing<SinkhornChoice, TopK>{}, SigmoidOverChosen{}, Unlimited{},
                                    {.losses = {}, .choices = 1}));
  return suite;
}

}  // namespace moe_bench
