#pragma once

#include <vector>

#include "moe/core/matrix.hpp"

namespace moe {

/// Who works on what, sorted by expert: pair n says that expert `experts[n]` works on row `rows[n]`; the pairs of
/// expert e are [offsets[e], offsets[e+1]), by ascending row. The other way round, row t's pairs are
/// pairs[pair_begin[t]] .. pairs[pair_begin[t+1] - 1], by ascending expert.
template <class Backend>
struct Plan {
  std::vector<Index> offsets{0};
  Matrix<Index, Backend> rows_1N;
  Matrix<Index, Backend> experts_1N;
  Matrix<Index, Backend> pair_begin_1T;
  Matrix<Index, Backend> pairs_1N;

  Index pairs() const { return offsets.back(); }
  Index experts() const { return static_cast<Index>(offsets.size()) - 1; }
};

}  // namespace moe
