#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> limited_capacity() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  const auto add_switch = [&](const char* name, const char* routing, double room) {
    suite.push_back(token_strategy<B>(name, routing, Jittered<TopK>{}, SoftmaxOverAll{}, CapacityFactor{.factor = room},
                                      {.choices = 1}));
  };
  add_switch("switch-1.0", "top-1, raw gate, jitter, capacity factor 1.0; the last rows are dropped", 1);
  add_switch("switch", "as switch-1.0, but with capacity factor 1.25", 1.25);
  add_switch("switch-2.0", "as switch-1.0, but with capacity factor 2.0", 2);
  for (const Index k : {2, 3})
    suite.push_back(token_strategy<B>(
        "gshard-top" + std::to_string(k),
        "top-" + std::to_string(k) + ", further choices kept at random in training, capacity factor 1.25",
        TrainInfer<GShardChoice, TopK>{}, SoftmaxOverChosen{}, CapacityFactor{.factor = 1.25}, {.choices = k}));
  suite.push_back(token_strategy<B>("batch-prioritized",
                                    "top-k, capacity factor 1.0; rows whose best score is lowest are dropped", TopK{},
                                    SoftmaxOverAll{}, CapacityFactor{.factor = 1, .drop = DropBy::priority}));
  return suite;
}

}  // namespace moe_bench
