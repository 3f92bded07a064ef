#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/require.hpp"
#include "moe/core/row_context.hpp"

namespace moe {

/// DeepSeek-V3's router (arXiv 2412.19437, section 2.1.2): the k experts with the largest sigmoid(z_e) + b_e. The
/// biases b are no weights: after every step each moves by `rate` towards an even load, so that no loss has to. Gates
/// know nothing of them (SigmoidOverChosen). With groups, experts e * groups / E of the best groups alone are asked, a
/// group being as good as its two best experts together. Causal and independent of batch mates.
struct BiasedTopK {
  static constexpr bool is_batch_independent = true;

  /// Experts that a row meets.
  Index k = 8;
  /// Groups of consecutive experts, and how many of them a row may choose from.
  Index groups = 1;
  /// As many as a row may choose from.
  Index kept_groups = 1;
  /// How far a bias moves in one step (gamma).
  double rate = 1e-3;

  /// buffer_E holds the biases. chosen_E gets ranks 1 to k; among equals the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<Rank> chosen_E, RowContext<Real> row) const {
    using std::exp;
    // Until it is chosen or passed over, an expert that may be asked has this rank.
    constexpr Rank asked = -1;
    const Index size = groups > 0 ? logits_E.size / groups : logits_E.size;
    const auto score = [&](Index e) { return 1 / (1 + exp(-logits_E[e])) + row.buffer_E[e]; };
    for (Rank& rank : chosen_E) rank = groups > 1 ? 0 : asked;
    for (Index n = 0; n < kept_groups && groups > 1; ++n) {
      Index best_group = -1;
      Real most = 0;
      for (Index group = 0; group < groups; ++group) {
        if (chosen_E[group * size] != 0) continue;
        Real first = score(group * size), second = 0;
        bool has_second = false;
        for (Index e = group * size + 1; e < (group + 1) * size; ++e) {
          const Real value = score(e);
          if (value > first)
            second = first, first = value, has_second = true;
          else if (!has_second || value > second)
            second = value, has_second = true;
        }
        if (best_group < 0 || first + second > most) best_group = group, most = first + second;
      }
      if (best_group < 0) break;
      for (Index e = best_group * size; e < (best_group + 1) * size; ++e) chosen_E[e] = asked;
    }
    for (Rank rank = 1; rank <= k; ++rank) {
      Index best = -1;
      Real most = 0;
      for (Index e = 0; e < logits_E.size; ++e) {
        if (chosen_E[e] != asked) continue;
        const Real value = score(e);
        if (best < 0 || value > most) best = e, most = value;
      }
      if (best < 0) break;
      chosen_E[best] = rank;
    }
    for (Rank& rank : chosen_E)
      if (rank == asked) rank = 0;
  }

  /// A bias after a step in which its expert got `load` rows and experts got `mean` on average.
  MOE_HOST_DEVICE double updated_bias(double bias, double load, double mean) const {
    return load == mean ? bias : bias + (load < mean ? rate : -rate);
  }
  /// Of so many experts each row chooses as many.
  Index choices(Index experts) const {
    return std::clamp(k, Index{0},
                      groups > 1 ? std::clamp(kept_groups, Index{0}, groups) * (experts / groups) : experts);
  }
  /// Throws Error for groups that do not divide the experts.
  void require_fits(Index experts) const {
    require(groups >= 1 && experts % groups == 0, "BiasedTopK", "groups must divide the experts, got ", groups, " and ",
            experts);
    require(kept_groups >= 1 && kept_groups <= groups, "BiasedTopK", "kept_groups must lie in [1, ", groups, "], got ",
            kept_groups);
  }
};

}  // namespace moe
