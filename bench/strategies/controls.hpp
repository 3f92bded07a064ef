#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/router/random_choice.hpp"

namespace moe_bench {

template <class B>
std::vector<Strategy<B>> controls() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back({"dense", "no routing: one FFN with the active parameters of the others", {}, [](const Sizes& s) {
                     return SuiteLayer<B>(SuiteExpert<B>(s.width, s.chosen * s.hidden));
                   }});
  suite.push_back(token_strategy<B>("random", "k experts at random, gates by softmax over them", RandomChoice{},
                                    SoftmaxOverChosen{}, Unlimited{}, {.losses = {}}));
  suite.push_back(token_strategy<B>("hash", "k experts by token id, all gates equal", HashChoice{}, UnitGates{},
                                    Unlimited{}, {.losses = {}}));
  // Adapter ranks in the proportions of the paper; a row uses its language's adapter and the shared one.
  suite.push_back(
      {"mole", "adapters by language on the dense FFN; far fewer parameters than the others", {}, [](const Sizes& s) {
         const Index rank = std::max<Index>(1, s.width / 64);
         return SuiteLayer<B>(
             make_mole<float, B>(SuiteExpert<B>(s.width, s.chosen * s.hidden),
                                 {.languages = s.languages, .language_rank = rank, .shared_rank = 3 * rank}));
       }});
  return suite;
}

}  // namespace moe_bench
