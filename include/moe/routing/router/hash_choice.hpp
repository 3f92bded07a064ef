#pragma once

#include <algorithm>

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/best_scores.hpp"

namespace moe {

/// k experts by the token id alone (hash layers, Roller et al. 2021, arXiv 2106.04426): the same for a token wherever
/// it stands, nothing is learned. Ids are spread evenly over experts; tokens are not, as some are frequent. Causal and
/// independent of batch neighbors. Weigh with UnitGates.
struct HashChoice {
  static constexpr bool is_batch_invariant = true;
  /// A batch without token ids is refused.
  static constexpr bool needs_tokens = true;

  /// Experts that a row meets.
  Index k = 1;
  /// Another seed is another assignment of ids to experts.
  std::uint64_t seed = 0;

  /// chosen_E gets ranks 1 to k.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> /*logits_E*/, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    const std::uint64_t token = static_cast<std::uint32_t>(row.token);
    const RandomKey key{seed, 0, 0};
    choose_best_scores(chosen_E, k,
                       [&](Index e) { return random_uniform(key, token << 20 | static_cast<std::uint64_t>(e)); });
  }
  /// Throws Error for a k that is below 1 or above the number of experts.
  void require_fits(Index experts) const { require_choices("HashChoice", k, experts); }
  /// Of so many experts each row chooses as many.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
