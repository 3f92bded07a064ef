#pragma once

#include <vector>

#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Pairs of a plan that belong to neighboring experts: pair n says that expert first_expert + e works on row
/// rows_1N[n], where experts_1N[n] = first_expert + e.
template <class Backend>
struct PlanPart {
  /// The row of each pair.
  View<const Index, Backend> rows_1N;
  /// Its expert, as the plan numbers experts.
  View<const Index, Backend> experts_1N;
  /// The number of the part's first expert.
  Index first_expert = 0;
  /// How many experts the part has.
  Index experts = 0;
  /// Where the part's first pair stands in the plan.
  Index first_pair = 0;

  /// How many pairs the part has.
  Index pairs() const { return rows_1N.cols; }
};

/// Who works on what, sorted by expert: pair n says that expert `experts[n]` works on row `rows[n]`; the pairs of
/// expert e are [offsets[e], offsets[e+1]), by ascending row. The other way round, row t's pairs are
/// pairs[pair_begin[t]] .. pairs[pair_begin[t+1] - 1], by ascending expert.
template <class Backend>
struct Plan {
  /// Counts on their way to the host: of a plan's experts from `first_expert` on, whose pairs come after `first_pair`
  /// others.
  struct Appended {
    /// The counts.
    typename Backend::template AsyncCopy<Index> counted;
    /// Experts before them; 0 where nothing is appended.
    Index first_expert = 0;
    /// Pairs before theirs.
    Index first_pair = 0;
    /// Whether they are known.
    bool is_complete = true;
  };

  /// E + 1 entries, from 0 to N, in host memory; GroupOffsets::unknown where the plan is not complete, but for N.
  std::vector<Index> offsets;
  /// Where it is not: what is unknown, on its way to the host.
  typename Backend::template AsyncCopy<Index> counted;
  /// Whether every offset is known, those of `appended` aside.
  bool is_complete = true;
  /// The experts of a second plan, numbered after this one's.
  Appended appended;
  /// The row of each pair.
  Matrix<Index, Backend> rows_1N;
  /// The expert of each pair.
  Matrix<Index, Backend> experts_1N;
  /// T + 1 entries, from 0 to N.
  Matrix<Index, Backend> pair_begin_1T;
  /// The pairs of each row, one row after the other.
  Matrix<Index, Backend> pairs_1N;

  /// The offsets for one call: of a plan that is not complete those that are known, until somebody waits.
  GroupOffsets groups() {
    if (is_complete && appended.is_complete) return offsets;
    return {offsets, this, [](void* plan) { static_cast<Plan*>(plan)->complete(); }};
  }
  /// The host waits for the offsets it does not know. Throws Error when a router chose otherwise than it foretold.
  void complete() {
    // What was counted last first: the other counts are there then, and the host has waited once.
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

  /// N.
  Index pairs() const { return offsets.empty() ? 0 : offsets.back(); }
  /// E.
  Index experts() const { return offsets.empty() ? 0 : static_cast<Index>(offsets.size()) - 1; }
  /// The pairs of `count` experts from `first` on. The plan must be complete.
  PlanPart<Backend> part(Index first, Index count) const {
    const Index begin = offsets[static_cast<std::size_t>(first)];
    const Index size = offsets[static_cast<std::size_t>(first + count)] - begin;
    return {{rows_1N.data() + begin, 1, size}, {experts_1N.data() + begin, 1, size}, first, count, begin};
  }
  /// All of them.
  operator PlanPart<Backend>() const { return part(0, experts()); }

 private:
  void take(const Index* all, Index first, Index count, Index pairs_before) {
    for (Index e = 0; e <= count; ++e) {
      Index& offset = offsets[static_cast<std::size_t>(first + e)];
      require(offset == GroupOffsets::unknown || offset == all[e] + pairs_before, "Plan", "the router foretold ",
              offset - pairs_before, " pairs before expert ", e, ", it chose ", all[e]);
      offset = all[e] + pairs_before;
    }
  }
};

/// How many pairs each expert has, from the offsets of a plan or of a part of one.
inline std::vector<Index> loads_of(ListView<Index> offsets) {
  std::vector<Index> load(static_cast<std::size_t>(offsets.size > 0 ? offsets.size - 1 : 0));
  for (std::size_t e = 0; e < load.size(); ++e) load[e] = offsets.data[e + 1] - offsets.data[e];
  return load;
}

}  // namespace moe
