#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// Writes down what the place of a row among an expert's scores means: its rank, or that it is one of the two between
/// which the boundary runs.
template <class Real, class B>
struct NotePlace {
  /// The scores.
  View<const Real, B> scores_RE;
  /// Receives ranks.
  View<ChoiceOrder, B> chosen_RE;
  /// Receives the last score that was taken and the first that was not.
  View<Real, B> sides_2E;
  /// Rows that an expert takes.
  Index take;

  MOE_HOST_DEVICE void operator()(Index r, Index e, Index place) const {
    chosen_RE(r, e) = place < take ? static_cast<ChoiceOrder>(place + 1) : 0;
    if (place + 1 == take) sides_2E(0, e) = scores_RE(r, e);
    if (place == take) sides_2E(1, e) = scores_RE(r, e);
  }
};

}  // namespace moe::gpu
