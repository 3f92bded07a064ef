#pragma once

#include <string_view>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Tells the context's observer, where there is one, what was decided. `begin` as in Observation; empty: every row is
/// one.
template <class Real, Backend B>
void report(const typename B::Context& context, std::string_view level, View<const Rank, B> chosen_RE,
            View<const Rank, B> kept_RE, View<const Real, B> gates_RE, ListView<Index> begin = {}) {
  if (!context.observer) return;
  const auto size = static_cast<std::size_t>(chosen_RE.size());
  Observation seen{context.layer, level, chosen_RE.rows, chosen_RE.cols, {}, {}, {}, {begin.begin(), begin.end()}};
  seen.chosen.resize(size);
  seen.kept.resize(size);
  std::vector<Real> gates(size);
  B::download(context, chosen_RE, seen.chosen.data());
  B::download(context, kept_RE, seen.kept.data());
  B::download(context, gates_RE, gates.data());
  for (std::size_t i = 0; i < size; ++i) seen.gates.push_back(seen.kept[i] == 0 ? 0 : static_cast<double>(gates[i]));
  if (seen.begin.empty())
    for (Index r = 0; r <= chosen_RE.rows; ++r) seen.begin.push_back(r);
  context.observer(seen);
}

}  // namespace moe
