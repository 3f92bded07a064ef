#pragma once

#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Calls the context's observer, if there is one, with the choices, the gates, and the logits unless there are none.
template <class Real, Backend B>
void report(const typename B::Context& context, const RoutedRows& routed, View<const ChoiceOrder, B> chosen_RE,
            View<const ChoiceOrder, B> kept_RE, View<const Real, B> gates_RE, View<const Real, B> logits_RE) {
  if (!context.observer) return;
  const auto size = static_cast<std::size_t>(chosen_RE.size());
  Observation seen{context.layer,
                   routed.level,
                   chosen_RE.rows,
                   chosen_RE.cols,
                   {},
                   {},
                   {},
                   {routed.begin.begin(), routed.begin.end()},
                   {}};
  seen.chosen.resize(size);
  seen.kept.resize(size);
  std::vector<Real> gates(size);
  B::download(context, chosen_RE, seen.chosen.data());
  B::download(context, kept_RE, seen.kept.data());
  B::download(context, gates_RE, gates.data());
  for (std::size_t i = 0; i < size; ++i) seen.gates.push_back(seen.kept[i] == 0 ? 0 : static_cast<double>(gates[i]));
  if (!logits_RE.empty()) {
    std::vector<Real> logits(size);
    B::download(context, logits_RE, logits.data());
    seen.logits.assign(logits.begin(), logits.end());
  }
  if (seen.begin.empty())
    for (Index r = 0; r <= chosen_RE.rows; ++r) seen.begin.push_back(r);
  context.observer(seen);
}

}  // namespace moe
