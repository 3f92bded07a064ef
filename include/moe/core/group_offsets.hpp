#pragma once

#include <initializer_list>
#include <vector>

#include "moe/core/list_view.hpp"

namespace moe {

/// Row offsets of groups: groups + 1 entries that never descend, in host memory, for the duration of one call. Group g
/// has rows [offsets[g], offsets[g+1]). A device may still be counting some entries: an operation that can process the
/// other groups first checks knows(group); the conversion to ListView waits for all entries.
class GroupOffsets {
 public:
  /// An entry that is not known yet.
  static constexpr Index unknown = -1;

  /// All entries are known.
  GroupOffsets(ListView<Index> all) : entries_(all) {}
  /// All entries are known.
  GroupOffsets(const std::vector<Index>& all) : entries_(all) {}
  /// All entries are known.
  GroupOffsets(std::initializer_list<Index> all) : entries_(all) {}
  /// Some entries are known; wait(owner) writes the others.
  GroupOffsets(ListView<Index> some, void* owner, void (*wait)(void*)) : entries_(some), owner_(owner), wait_(wait) {}

  /// Number of groups.
  Index groups() const { return entries_.size - 1; }
  /// Whether both offsets of the group are known.
  bool knows(Index group) const { return entries_[group] != unknown && entries_[group + 1] != unknown; }
  /// All entries; the host waits for the unknown ones.
  operator ListView<Index>() const {
    if (wait_ != nullptr) wait_(owner_);
    return entries_;
  }
  /// Entry i, or `unknown`.
  Index operator[](Index i) const { return entries_[i]; }

 private:
  ListView<Index> entries_;
  void* owner_ = nullptr;
  void (*wait_)(void*) = nullptr;
};

/// Numbers of pairs (row, expert), as far as the router's rule determines them before counting.
struct ExpectedCounts {
  /// Number of all pairs, or unknown.
  Index pairs = GroupOffsets::unknown;
  /// Number of pairs of each expert, or unknown; empty if none of them is known.
  std::vector<Index> load;

  /// The resulting offsets of E experts, or unknown: E + 1 entries.
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
  /// The counts if every row stands for `rows` rows.
  ExpectedCounts times(Index rows) const {
    ExpectedCounts result = *this;
    if (pairs != GroupOffsets::unknown) result.pairs *= rows;
    for (Index& pairs_of_expert : result.load)
      if (pairs_of_expert != GroupOffsets::unknown) pairs_of_expert *= rows;
    return result;
  }
  /// The counts of two concatenated selections, with the experts of the second numbered after those of the first.
  static ExpectedCounts side_by_side(const ExpectedCounts& first, const ExpectedCounts& second) {
    if (first.pairs == GroupOffsets::unknown || second.pairs == GroupOffsets::unknown) return {};
    ExpectedCounts result{first.pairs + second.pairs, first.load};
    result.load.insert(result.load.end(), second.load.begin(), second.load.end());
    return result;
  }
};

}  // namespace moe
