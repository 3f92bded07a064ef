/// What the mistakes are made with: the library's parts in memory that holds nothing, which costs no Eigen to read, and
/// parts of a user's own. Each mistake is compiled by itself and includes little, because there are many.
#pragma once

#include "moe/backend/shape/shape.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/capacity/even_share.hpp"

namespace moe::testing {

using Bank = ExpertBank<SwiGlu<float, Shape>>;
using Token = Mixtral<float, Shape>;
using Segment =
    SegmentMoE<FixedWindow, OwnMean<float, Shape>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, SwiGlu<float, Shape>>;
using Hybrid = MultiPlMoe<float, Shape>;

/// Fits no contract of the library.
struct Stranger {};

/// A router that keeps its contract.
struct FirstExpert {
  Index chosen_by_all() const { return 0; }
  template <class Real>
  void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    for (Index e = 0; e < logits_E.size; ++e) chosen_E[e] = e == 0 ? 1 : 0;
  }
};

}  // namespace moe::testing
