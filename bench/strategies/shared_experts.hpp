#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

/// Four groups, or two, where they divide the experts, of which rows choose from half, unless a row could not find its
/// k experts there.
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
      "qwen1.5-moe", "top-k of fine experts with raw softmax gates, a sigmoid-gated shared FFN beside", TopK{},
      SoftmaxOverAll{}, {.balance = 0.001}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-moe", "top-k of fine experts with raw softmax gates, shared experts beside", TopK{}, SoftmaxOverAll{},
      {.balance = 0.001}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v2", "as deepseek-moe, but from the best half of the experts' groups alone", GroupLimitedTopK{},
      SoftmaxOverAll{}, {.balance = 0.003}, BalanceOverAll{}, among_groups<GroupLimitedTopK>));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v3", "top-k by sigmoid plus a bias that follows the load, shared experts beside", BiasedTopK{},
      SigmoidOverChosen{}, {.balance = 0.0001}, SequenceBalance{}));
  suite.push_back(shared_strategy<SharedExpert<SuiteExpert<B>, NoGate>, B>(
      "deepseek-v3-groups", "as deepseek-v3, but from the best half of the experts' groups alone", BiasedTopK{},
      SigmoidOverChosen{}, {.balance = 0.0001}, SequenceBalance{}, among_groups<BiasedTopK>));
  return suite;
}

}  // namespace moe_bench
