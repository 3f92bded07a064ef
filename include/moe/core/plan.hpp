#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Who works on what, sorted by expert: pair n says that expert `experts[n]` works on row `rows[n]`; the pairs of
/// expert e are [offsets[e], offsets[e+1]), by ascending row. The other way round, row t's pairs are
/// pairs[pair_begin[t]] .. pairs[pair_begin[t+1] - 1], by ascending expert.
template <class Backend>
struct Plan {
  /// E + 1 entries, from 0 to N, in host memory; GroupOffsets::unknown where the plan is not complete, but for N.
  std::vector<Index> offsets;
  /// Where it is not: what is unknown, on its way to the host.
  typename Backend::template Later<Index> counted;
  /// Whether every offset is known.
  bool is_complete = true;
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
    if (is_complete) return offsets;
    return {offsets, this, [](void* plan) { static_cast<Plan*>(plan)->complete(); }};
  }
  /// The host waits for the offsets it does not know. Throws Error when a router chose otherwise than it foretold.
  void complete() {
    if (is_complete) return;
    const Index* all = counted.wait();
    for (std::size_t e = 0; e < offsets.size(); ++e)
      require(offsets[e] == GroupOffsets::unknown || offsets[e] == all[e], "Plan", "the router foretold ", offsets[e],
              " pairs before expert ", e, ", it chose ", all[e]);
    std::copy_n(all, offsets.size(), offsets.begin());
    counted = {};
    is_complete = true;
  }

  /// N.
  Index pairs() const { return offsets.empty() ? 0 : offsets.back(); }
  /// E.
  Index experts() const { return offsets.empty() ? 0 : static_cast<Index>(offsets.size()) - 1; }
};

/// How many pairs each expert has, from the offsets of a plan or of a part of one.
inline std::vector<Index> loads_of(ListView<Index> offsets) {
  std::vector<Index> load(static_cast<std::size_t>(offsets.size > 0 ? offsets.size - 1 : 0));
  for (std::size_t e = 0; e < load.size(); ++e) load[e] = offsets.data[e + 1] - offsets.data[e];
  return load;
}

}  // namespace moe
