#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Every expert whose logit is above 0 (ReMoE, Wang et al. 2024, arXiv 2412.14711): as many as the row needs, perhaps
/// none. Weigh with ReluGates; how many are above 0 is what an L1 loss on the gates governs. Causal and independent of
/// batch neighbors.
struct ReluRouter {
  /// logits_E -> chosen_E: ranks 1, 2, ... in order of the experts' index.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    ChoiceOrder chosen = 0;
    for (Index e = 0; e < logits_E.size; ++e) chosen_E[e] = logits_E[e] > 0 ? ++chosen : 0;
  }
};

}  // namespace moe
