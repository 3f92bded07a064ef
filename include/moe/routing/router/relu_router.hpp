#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Selects every expert with a logit above 0 (ReMoE, Wang et al. 2024, arXiv 2412.14711): a number that varies by row
/// and may be 0. Use ReluGates for the gates; an L1 loss on the gates controls the number. Causal and independent of
/// batch neighbors.
struct ReluRouter {
  /// logits_E -> chosen_E: choice orders 1, 2, ... in order of the expert index.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    ChoiceOrder chosen = 0;
    for (Index e = 0; e < logits_E.size; ++e) chosen_E[e] = logits_E[e] > 0 ? ++chosen : 0;
  }
};

}  // namespace moe
