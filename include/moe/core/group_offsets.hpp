#pragma once

#include <initializer_list>
#include <vector>

#include "moe/core/list_view.hpp"

namespace moe {

/// Where groups of rows begin and where the last one ends: groups + 1 entries that never descend, in host memory, for
/// the length of one call. A device may still be counting some of them: who can work on the others first asks which are
/// known, everybody else takes the ListView, which waits.
class GroupOffsets {
 public:
  /// An entry that is not known yet.
  static constexpr Index unknown = -1;

  /// All of them known.
  GroupOffsets(ListView<Index> all) : entries_(all) {}
  /// All of them known.
  GroupOffsets(const std::vector<Index>& all) : entries_(all) {}
  /// All of them known.
  GroupOffsets(std::initializer_list<Index> all) : entries_(all) {}
  /// Some of them known; wait(owner) writes the others.
  GroupOffsets(ListView<Index> some, void* owner, void (*wait)(void*)) : entries_(some), owner_(owner), wait_(wait) {}

  /// Number of groups.
  Index groups() const { return entries_.size - 1; }
  /// Whether it is known where the group begins and ends.
  bool knows(Index group) const { return entries_[group] != unknown && entries_[group + 1] != unknown; }
  /// All of them; the host waits for those it does not know.
  operator ListView<Index>() const {
    if (wait_ != nullptr) wait_(owner_);
    return entries_;
  }
  /// Entry i, if it is known.
  Index operator[](Index i) const { return entries_[i]; }

 private:
  ListView<Index> entries_;
  void* owner_ = nullptr;
  void (*wait_)(void*) = nullptr;
};

/// How many pairs (row, expert) a choice makes, as far as the router's rule says so before anybody has counted.
struct ExpectedCounts {
  /// All pairs, or unknown.
  Index pairs = GroupOffsets::unknown;
  /// Those of each expert, or unknown; empty where nothing is known of any.
  std::vector<Index> load;

  /// The offsets that follow for E experts: E + 1 entries.
  std::vector<Index> offsets(Index experts) const {
    const auto count = static_cast<std::size_t>(experts);
    std::vector<Index> result(count + 1, GroupOffsets::unknown);
    result[0] = 0;
    result[count] = pairs;
    if (pairs == GroupOffsets::unknown || load.size() != count) return result;
    const auto known = [&](std::size_t e) { return load[e] != GroupOffsets::unknown; };
    for (std::size_t e = 0; e < count && known(e); ++e) result[e + 1] = result[e] + load[e];
    for (std::size_t e = count; e-- > 1 && known(e);) result[e] = result[e + 1] - load[e];
    return result;
  }
  /// The same when every row stands for `rows` of them.
  ExpectedCounts times(Index rows) const {
    ExpectedCounts result = *this;
    if (pairs != GroupOffsets::unknown) result.pairs *= rows;
    for (Index& pairs_of_expert : result.load)
      if (pairs_of_expert != GroupOffsets::unknown) pairs_of_expert *= rows;
    return result;
  }
  /// Of two choices side by side, the second one's experts numbered after the first one's.
  static ExpectedCounts side_by_side(const ExpectedCounts& first, const ExpectedCounts& second) {
    if (first.pairs == GroupOffsets::unknown || second.pairs == GroupOffsets::unknown) return {};
    ExpectedCounts result{first.pairs + second.pairs, first.load};
    result.load.insert(result.load.end(), second.load.begin(), second.load.end());
    return result;
  }
};

}  // namespace moe
