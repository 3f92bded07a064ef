#pragma once

#include <cmath>
#include <limits>

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe {

/// GShard's training router (Lepikhin et al. 2020, arXiv 2006.16668, algorithm 1): the best expert always, each further
/// one of the k best with probability min(1, keep g), where g is its softmax over the k best. Weak second choices thus
/// rarely use the capacity of other rows. The random numbers depend on the batch's random key, on the layer and on the
/// row's position in the call. In inference all k are selected: TrainInfer<GShardChoice, TopK>.
struct GShardChoice {
  /// Maximum number of experts per row.
  Index k = 2;
  /// Value of `keep` with which every choice is kept, however small its gate.
  static constexpr double always = (std::numeric_limits<double>::max)();
  /// Probability of keeping a choice per unit of its gate; 2 in the paper.
  double keep = 2;

  /// Throws Error for a k below 1 or above the number of experts and for a negative keep; `always` keeps all.
  void require_fits(Index experts) const {
    require_choices("GShardChoice", k, experts);
    require(keep >= 0, "GShardChoice", "keep must not be negative, got ", keep);
  }
  /// Whether random numbers are drawn: not for k = 1, and not if every choice is kept.
  bool draws() const { return k > 1 && keep < always; }

  /// logits_E -> chosen_E: choice orders of the k best experts, 0 for those that were not kept.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RandomRowContext<Real> row) const {
    using std::exp;
    TopK{k}.choose(logits_E, chosen_E);
    if (keep >= always) return;
    Real best = 0, total = 0;
    for (Index e = 0; e < logits_E.size; ++e)
      if (chosen_E[e] == 1) best = logits_E[e];
    for (Index e = 0; e < logits_E.size; ++e)
      if (chosen_E[e] != 0) total += exp(logits_E[e] - best);
    for (Index e = 0; e < logits_E.size; ++e) {
      if (chosen_E[e] < 2) continue;
      const double gate = static_cast<double>(exp(logits_E[e] - best) / total);
      if (random_uniform(row.random, static_cast<std::uint64_t>(row.row * logits_E.size + e)) >= keep * gate)
        chosen_E[e] = 0;
    }
  }
};

}  // namespace moe
