#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

/// Half of the experts and of the choices per level, with finer experts than in the other strategies.
template <class Layer, class B>
Strategy<B> two_level_strategy(std::string name, std::string routing) {
  return {std::move(name), std::move(routing), {.balance = 0.01}, [](const Sizes& given) {
            const Sizes s = given.finer();
            const Index token_experts = s.experts / 2, k = s.chosen / 2;
            return SuiteLayer<B>(moe::make_multipl<Layer>({.width = s.width,
                                                           .hidden = s.hidden,
                                                           .token_experts = token_experts,
                                                           .segment_experts = s.experts - token_experts,
                                                           .k = k,
                                                           .window = s.window,
                                                           .capacity_factor = static_cast<double>(s.chosen - k)}));
          }};
}

template <class B>
std::vector<Strategy<B>> two_levels() {
  std::vector<Strategy<B>> suite;
  suite.push_back(two_level_strategy<moe::MultiPlMoe<float, B>, B>(
      "multipl-moe", "a shared expert, top-k token experts, and experts that choose segments by their means"));
  suite.push_back(two_level_strategy<moe::CausalMultiPlMoe<float, B>, B>(
      "causal-multipl-moe", "as multipl-moe, but segments are chosen as in causal-segment"));
  return suite;
}

}  // namespace moe_bench
