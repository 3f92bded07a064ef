#pragma once

#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/drop.hpp"

namespace moe {

/// Recorded choices, on the backend.
template <class Real, class B>
struct Replayed {
  /// Choice order; the boundary is empty, since no router ran.
  Choice<Real, B> choice;
  /// Choice order after dropping; empty if the capacity never drops and the record has no dropped pairs.
  Kept<B> kept;
};

/// The choices that the context's record has for these rows. `drops`: whether the capacity may drop. Throws Error if
/// the record does not fit.
template <class Real, Backend B>
Replayed<Real, B> replay_choice(const typename B::Context& context, const RoutedRows& routed, Index rows, Index experts,
                                bool drops) {
  auto recorded = context.replay->choices(context.layer, routed, rows, experts);
  Replayed<Real, B> result;
  result.choice.chosen_RE = Matrix<ChoiceOrder, B>::uninitialized(context, rows, experts);
  B::upload(context, recorded.chosen.data(), result.choice.chosen_RE.view());
  if (drops || recorded.has_dropped) {
    result.kept.kept_RE = Matrix<ChoiceOrder, B>::uninitialized(context, rows, experts);
    B::upload(context, recorded.kept.data(), result.kept.kept_RE.view());
    result.kept.dropped = std::move(recorded.dropped);
  }
  if constexpr (!B::is_host) {
    result.choice.expected.pairs = 0;
    for (const Index load : recorded.load) result.choice.expected.pairs += load;
    result.choice.expected.load = std::move(recorded.load);
  }
  return result;
}

/// Throws Error unless the experts of the current segments, begun_BE, are those that the record has for the sequences'
/// next rows, recorded_BE.
template <Backend B>
void require_replayed(const typename B::Context& context, View<const ChoiceOrder, B> begun_BE,
                      View<const ChoiceOrder, B> recorded_BE) {
  std::vector<ChoiceOrder> begun(static_cast<std::size_t>(begun_BE.size())), recorded = begun;
  B::download(context, begun_BE, begun.data());
  B::download(context, recorded_BE, recorded.data());
  for (std::size_t i = 0; i < begun.size(); ++i) {
    const Index b = static_cast<Index>(i) / begun_BE.cols, e = static_cast<Index>(i) % begun_BE.cols;
    require((begun[i] != 0) == (recorded[i] != 0), "RoutingReplay", "the segment of sequence ", b,
            " began with other experts than the record has for its next row in layer ", context.layer, ": expert ", e,
            begun[i] != 0 ? " is selected, and was not when it was recorded"
                          : " is not selected, and was when it was recorded");
  }
}

}  // namespace moe
