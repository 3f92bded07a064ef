#pragma once

#include <vector>

#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Who works on what, sorted by expert: pair n says that expert `experts[n]` works on row `rows[n]`; the pairs of
/// expert e are [offsets[e], offsets[e+1]), by ascending row. The other way round, row t's pairs are
/// pairs[pair_begin[t]] .. pairs[pair_begin[t+1] - 1], by ascending expert.
template <class Backend>
struct Plan {
  /// E + 1 entries, from 0 to N, in host memory.
  std::vector<Index> offsets;
  /// The row of each pair.
  Matrix<Index, Backend> rows_1N;
  /// The expert of each pair.
  Matrix<Index, Backend> experts_1N;
  /// T + 1 entries, from 0 to N.
  Matrix<Index, Backend> pair_begin_1T;
  /// The pairs of each row, one row after the other.
  Matrix<Index, Backend> pairs_1N;

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
