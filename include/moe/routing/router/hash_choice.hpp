#pragma once

#include <algorithm>

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/best_scores.hpp"

namespace moe {

/// Selects k experts by a hash of the token id alone (hash layers, Roller et al. 2021, arXiv 2106.04426): the same
/// experts for a token at every position, and no parameters. Ids are spread evenly over experts; the load is not even,
/// since some tokens are frequent. Causal and batch invariant. Use UnitGates for the gates.
struct HashChoice {
  static constexpr bool is_batch_invariant = true;
  /// A batch without token ids throws Error.
  static constexpr bool needs_tokens = true;

  /// Number of experts per row.
  Index k = 1;
  /// Seed of the hash: another seed gives another assignment of ids to experts.
  std::uint64_t seed = 0;

  /// chosen_E gets choice orders 1 to k.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> /*logits_E*/, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    const std::uint64_t token = static_cast<std::uint32_t>(row.token);
    const RandomKey key{seed, 0, 0};
    choose_best_scores(chosen_E, k,
                       [&](Index e) { return random_uniform(key, token << 20 | static_cast<std::uint64_t>(e)); });
  }
  /// Throws Error for a k that is below 1 or above the number of experts.
  void require_fits(Index experts) const { require_choices("HashChoice", k, experts); }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
