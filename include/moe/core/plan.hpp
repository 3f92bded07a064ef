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
  /// Pending counts of a second plan, whose experts are numbered from `first_expert` and whose pairs from `first_pair`.
  struct Appended {
    /// Asynchronous copy of the second plan's offsets to the host.
    typename Backend::template AsyncCopy<Index> counted;
    /// Number of experts before them; 0 if nothing is appended.
    Index first_expert = 0;
    /// Number of pairs before theirs.
    Index first_pair = 0;
    /// Whether the offsets are known.
    bool is_complete = true;
  };

  /// E + 1 entries, from 0 to N, in host memory. If the plan is not complete, entries other than N may be
  /// GroupOffsets::unknown.
  std::vector<Index> offsets;
  /// If the plan is not complete: the asynchronous copy of the offsets to the host.
  typename Backend::template AsyncCopy<Index> counted;
  /// Whether every offset is known, except those of `appended`.
  bool is_complete = true;
  /// The experts of a second plan, numbered after this one's.
  Appended appended;
  /// The row of each pair.
  Matrix<Index, Backend> rows_1N;
  /// The expert of each pair.
  Matrix<Index, Backend> experts_1N;
  /// T + 1 entries, from 0 to N.
  Matrix<Index, Backend> pair_begin_1T;
  /// The pairs of each row, in the order of the rows.
  Matrix<Index, Backend> pairs_1N;

  /// The offsets for one call. If the plan is not complete, unknown offsets stay unknown until complete() is called.
  GroupOffsets groups() {
    if (is_complete && appended.is_complete) return offsets;
    return {offsets, this, [](void* plan) { static_cast<Plan*>(plan)->complete(); }};
  }
  /// Waits on the host for the unknown offsets. Throws Error if the counted offsets differ from the expected ones.
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
