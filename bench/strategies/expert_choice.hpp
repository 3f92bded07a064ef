#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> expert_choice() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(token_strategy<B>("expert-choice", "each expert selects its best rows of the batch", ExpertChoice{},
                                    SoftmaxOverAll{}, SegmentCapacity{}, {.losses = {}}));
  suite.push_back(
      {"capped-expert-choice", "as expert-choice, but at most k + 1 experts per row", {}, [](const Sizes& s) {
         return SuiteLayer<B>(TokenMoE<CappedExpertChoice, SoftmaxOverAll, SegmentCapacity, SuiteExpert<B>>(
             {.cap = s.chosen + 1}, {}, fitted(SegmentCapacity{}, s), bank_of<B>(s)));
       }});
  suite.push_back(token_strategy<B>(
      "threshold", "expert choice in training; inference compares with learned thresholds",
      TrainInfer<ExpertChoice, ThresholdChoice>{}, SoftmaxOverAll{}, SegmentCapacity{}, {.losses = {}}));
  return suite;
}

}  // namespace moe_bench
