#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/noisy_top_k.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> token_choice() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(token_strategy<B>("mixtral", "top-k, gates by softmax over the chosen, dropless", TopK{},
                                    SoftmaxOverChosen{}, Unlimited{}, {.losses = {.balance = 0.02}}));
  suite.push_back(module_strategy<B>(
      "noisy-top-k", "top-k of logits with learned noise, gates by softmax over the chosen, dropless", {.balance = 0.1},
      [](const Sizes& sizes) { return NoisyTopK<float, B>(sizes.chosen, sizes.width, sizes.experts); }));
  // Selects all experts with positive logits: half of them before training, independent of k.
  suite.push_back(
      token_strategy<B>("remoe", "every expert with a logit above 0, which is its gate; an L1 loss limits their number",
                        ReluRouter{}, ReluGates{}, Unlimited{}, {.losses = {.balance = 1}}, GateSparsity{}));
  return suite;
}

}  // namespace moe_bench
