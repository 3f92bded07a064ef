#pragma once

#include "moe/core/index.hpp"

namespace moe {

/// Sums up the rows of a segment as one row for the router. `forward` and `add_backward` work on whole batches in
/// backend verbs, `accumulated` and `finished` on one value of one row, for decoding; both give the same bits.
template <class P>
concept Pooling = requires(float so_far, float value, Index rows) {
  P::accumulated(so_far, value, rows);
  P::finished(so_far, rows);
  typename P::template Saved<float, int>;
};

}  // namespace moe
