#pragma once

#include "moe/core/index.hpp"

namespace moe {

/// Pools the rows of a segment into one row for the router. `forward` and `add_backward` work on whole batches by
/// backend operations; `accumulated` and `finished` work on one value of one row, for decoding. Both forms give bitwise
/// identical results.
template <class P>
concept Pooling = requires(float so_far, float value, Index rows) {
  P::accumulated(so_far, value, rows);
  P::finished(so_far, rows);
  typename P::template Saved<float, int>;
};

}  // namespace moe
