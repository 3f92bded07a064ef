/// The strategies that the suite compares. The strategies of a group are in the header of its name; each group is
/// instantiated in a separate file per backend (cpu/, cuda/), so that the groups compile in parallel.
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "bench/strategies/strategy.hpp"

namespace moe_bench {

/// Controls: routing without learning, or no routing.
template <class B>
std::vector<Strategy<B>> controls();
/// Token choice without capacity: dropless.
template <class B>
std::vector<Strategy<B>> token_choice();
/// The same with shared experts.
template <class B>
std::vector<Strategy<B>> shared_experts();
/// Token choice with limited capacity.
template <class B>
std::vector<Strategy<B>> limited_capacity();
/// Token choice with loads that the router balances in training.
template <class B>
std::vector<Strategy<B>> balanced();
/// Expert choice of rows.
template <class B>
std::vector<Strategy<B>> expert_choice();
/// Expert choice of segments of rows.
template <class B>
std::vector<Strategy<B>> segments();
/// A token level and a segment level.
template <class B>
std::vector<Strategy<B>> two_levels();

/// All of them, in the order of the list.
template <class B>
std::vector<Strategy<B>> all_strategies() {
  std::vector<Strategy<B>> all;
  for (auto group : {controls<B>, token_choice<B>, shared_experts<B>, limited_capacity<B>, balanced<B>,
                     expert_choice<B>, segments<B>, two_levels<B>}) {
    std::vector<Strategy<B>> some = group();
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace moe_bench
