#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// Writes the results for a row at a given place among an expert's sorted scores: its choice order, and its score if it
/// is one of the two next to the boundary.
template <class Real, class B>
struct NotePlace {
  /// The scores.
  View<const Real, B> scores_RE;
  /// Receives choice orders.
  View<ChoiceOrder, B> chosen_RE;
  /// Row 0 receives the lowest selected score of each expert, row 1 its highest other score.
  View<Real, B> sides_2E;
  /// Number of rows that each expert selects.
  Index take;

  MOE_HOST_DEVICE void operator()(Index r, Index e, Index place) const {
    chosen_RE(r, e) = place < take ? static_cast<ChoiceOrder>(place + 1) : 0;
    if (place + 1 == take) sides_2E(0, e) = scores_RE(r, e);
    if (place == take) sides_2E(1, e) = scores_RE(r, e);
  }
};

}  // namespace moe::gpu
