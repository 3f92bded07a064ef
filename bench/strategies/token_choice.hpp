#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> token_choice() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(token_strategy<B>("mixtral", "top-k, gates by softmax over the chosen, dropless", TopK{},
                                    SoftmaxOverChosen{}, Unlimited{}, {.losses = {.balance = 0.02}}));
  // As many experts as have positive logits: half of them before training, whatever k is.
  suite.push_back(token_strategy<B>("remoe", "every expert with a logit above 0, which is its gate", PositiveChoice{},
                                    ReluGates{}, Unlimited{}, {.losses = {}}));
  return suite;
}

}  // namespace moe_bench
