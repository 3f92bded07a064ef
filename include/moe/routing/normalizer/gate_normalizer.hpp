#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Computes the gates (routing weights) of the selected experts. `normalize` writes gates_E, 0 for experts not
/// selected; `backward` writes d_logits_E from d_gates_E. The selection itself is piecewise constant and has no
/// gradient.
template <class N>
concept GateNormalizer = requires(const N& normalizer, Row<const float> logits_E, Row<const ChoiceOrder> chosen_E,
                                  Row<const float> gates_E, Row<float> out_E) {
  normalizer.normalize(logits_E, chosen_E, out_E);
  normalizer.backward(logits_E, chosen_E, gates_E, gates_E, out_E);
};

/// A normalizer that a team of threads can run on one row: each thread calls both functions with the team.
template <class N, class Team>
concept TeamNormalizer = GateNormalizer<N> && RowTeam<Team> &&
    requires(const N& normalizer, Row<const float> logits_E, Row<const ChoiceOrder> chosen_E, Row<const float> gates_E,
             Row<float> out_E, Team team) {
  normalizer.normalize(logits_E, chosen_E, out_E, team);
  normalizer.backward(logits_E, chosen_E, gates_E, gates_E, out_E, team);
};

}  // namespace moe
