/// The strategies that the suite compares. A group's strategies are in the header of its name; each is instantiated in
/// a file of its own for each backend (cpu/, cuda/), so that they compile side by side.
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "bench/strategies/strategy.hpp"

namespace moe_bench {

/// Nothing is learned, or nothing is routed.
template <class B>
std::vector<Strategy<B>> controls();
/// Rows choose, experts take all that come.
template <class B>
std::vector<Strategy<B>> token_choice();
/// The same beside experts that every row meets.
template <class B>
std::vector<Strategy<B>> shared_experts();
/// Rows choose, experts have limited room.
template <class B>
std::vector<Strategy<B>> limited_capacity();
/// Training evens the loads out before rows choose.
template <class B>
std::vector<Strategy<B>> balanced();
/// Experts choose rows.
template <class B>
std::vector<Strategy<B>> expert_choice();
/// Experts choose segments of rows.
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
