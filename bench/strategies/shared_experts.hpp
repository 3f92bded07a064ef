#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

/// Sets four or two groups if these divide the number of experts. Rows select from half of the groups, or from all if
/// half of them have fewer than k experts.
template <class R>
void among_groups(const Sizes& sizes, R& router) {
  router.groups = sizes.experts % 4 == 0 ? 4 : sizes.experts % 2 == 0 ? 2 : 1;
  router.kept_groups = std::max<Index>(1, router.groups / 2);
  if (router.kept_groups * (sizes.experts / router.groups) < sizes.chosen) router.kept_groups = router.groups;
}

template <class B>
std::vector<Strategy<B>> shared_experts() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, SigmoidGate>, B>(
      "qwen1.5-moe", "top-k of fine experts with raw softmax gates, and a sigmoid-gated shared FFN", TopK{},
      SoftmaxOverAll{}, {.balance = 0.001}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-moe", "top-k of fine experts with raw softmax gates, and shared experts", TopK{}, SoftmaxOverAll{},
      {.balance = 0.001}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v2", "as deepseek-moe, but only from the best half of the experts' groups", GroupLimitedTopK{},
      SoftmaxOverAll{}, {.balance = 0.003}, BalanceOverAll{}, among_groups<GroupLimitedTopK>));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v3", "top-k by sigmoid plus a bias that follows the load, and shared experts", BiasedTopK{},
      SigmoidOverChosen{}, {.balance = 0.0001}, SequenceBalance{}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v3-groups", "as deepseek-v3, but only from the best half of the experts' groups", BiasedTopK{},
      SigmoidOverChosen{}, {.balance = 0.0001}, SequenceBalance{}, among_groups<BiasedTopK>));
  return suite;
}

}  // namespace moe_bench
