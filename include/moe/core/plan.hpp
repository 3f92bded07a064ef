#pragma once

#include <vector>

#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// The pairs of a plan that belong to consecutive experts, numbered first_expert, first_expert + 1, ...: pair n assigns
/// row rows_1N[n] to expert experts_1N[n].
template <class Backend>
struct PlanPart {
  /// The row of each pair.
  View<const Index, Backend> rows_1N;
  /// The expert of each pair, as numbered in the plan.
  View<const Index, Backend> experts_1N;
  /// The number of the part's first expert.
  Index first_expert = 0;
  /// Number of experts of the part.
  Index experts = 0;
  /// Index of the part's first pair in the plan.
  Index first_pair = 0;

  /// Number of pairs of the part.
  Index pairs() const { return rows_1N.cols; }
};

/// Which expert processes which row, sorted by expert: pair n assigns row `rows[n]` to expert `experts[n]`. Expert e
/// has the pairs [offsets[e], offsets[e+1]), by ascending row. Conversely, row t has the pairs pairs[pair_begin[t]] ..
/// pairs[pair_begin[t+1] - 1], by ascending expert.
template <class Backend>
struct Plan {
  /// A second plan that was appended to a first one by concatenated(): where its experts and pairs begin, and its
  /// pending counts.
  struct Appended {
    /// Asynchronous copy of the second plan's offsets to the host.
    typename Backend::template AsyncCopy<Index> counted;
    /// Index of the second plan's first expert: the number of experts of the first plan; 0 if nothing is appended.
    Index first_expert = 0;
    /// Index of the second plan's first pair: the number of pairs of the first plan.
    Index first_pair = 0;
    /// Whether the offsets of the second plan are known; true if nothing is appended.
    bool is_complete = true;
  };

  /// The first pair of each expert, then N: E + 1 entries in host memory. While counts are pending, entries other than
  /// N may be GroupOffsets::unknown.
  std::vector<Index> offsets;
  /// While is_complete is false: the asynchronous copy of the first plan's offsets to the host.
  typename Backend::template AsyncCopy<Index> counted;
  /// Whether the offsets of the first plan are known; `appended` has its own flag. Without an appended plan, the first
  /// plan is the whole plan.
  bool is_complete = true;
  /// The second plan, if one was appended.
  Appended appended;
  /// The row of each pair.
  Matrix<Index, Backend> rows_1N;
  /// The expert of each pair.
  Matrix<Index, Backend> experts_1N;
  /// The first entry of each row in pairs_1N, then N: T + 1 entries.
  Matrix<Index, Backend> pair_begin_1T;
  /// Indices of pairs, sorted by row, then by expert.
  Matrix<Index, Backend> pairs_1N;

  /// A view of the offsets for one backend operation; it points to this plan, which must not be moved or destroyed
  /// before the operation returns. Pending offsets are unknown in it until the operation requests all of them, which
  /// calls complete().
  GroupOffsets groups() {
    if (is_complete && appended.is_complete) return offsets;
    return {offsets, this, [](void* plan) { static_cast<Plan*>(plan)->complete(); }};
  }
  /// Waits on the host for the pending counts and writes every unknown offset; both is_complete flags are then true.
  /// Does nothing if no count is pending. Throws Error if the counted offsets differ from the expected ones.
  void complete() {
    // Waits first for the copy that was started last: the other copy is then complete too, so the host waits once.
    if (!appended.is_complete) {
      take(appended.counted.wait(), appended.first_expert, experts() - appended.first_expert, appended.first_pair);
      appended.counted = {};
      appended.is_complete = true;
    }
    if (!is_complete) {
      take(counted.wait(), 0, appended.first_expert > 0 ? appended.first_expert : experts(), 0);
      counted = {};
      is_complete = true;
    }
  }

  /// Number of pairs, N.
  Index pairs() const { return offsets.empty() ? 0 : offsets.back(); }
  /// Number of experts, E.
  Index experts() const { return offsets.empty() ? 0 : static_cast<Index>(offsets.size()) - 1; }
  /// The pairs of `count` experts from `first` on. The plan must be complete.
  PlanPart<Backend> part(Index first, Index count) const {
    const Index begin = offsets[static_cast<std::size_t>(first)];
    const Index size = offsets[static_cast<std::size_t>(first + count)] - begin;
    return {{rows_1N.data() + begin, 1, size}, {experts_1N.data() + begin, 1, size}, first, count, begin};
  }
  /// The pairs of all experts.
  operator PlanPart<Backend>() const { return part(0, experts()); }

 private:
  void take(const Index* all, Index first, Index count, Index pairs_before) {
    for (Index e = 0; e <= count; ++e) {
      Index& offset = offsets[static_cast<std::size_t>(first + e)];
      require(offset == GroupOffsets::unknown || offset == all[e] + pairs_before, "Plan", "the router expected ",
              offset - pairs_before, " pairs before expert ", e, ", got ", all[e]);
      offset = all[e] + pairs_before;
    }
  }
};

/// Load of each expert, its number of pairs, from the offsets of a plan or of a part of a plan.
inline std::vector<Index> loads_of(ListView<Index> offsets) {
  std::vector<Index> load(static_cast<std::size_t>(offsets.size > 0 ? offsets.size - 1 : 0));
  for (std::size_t e = 0; e < load.size(); ++e) load[e] = offsets.data[e + 1] - offsets.data[e];
  return load;
}

}  // namespace moe
