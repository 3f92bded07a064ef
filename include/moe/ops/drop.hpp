#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "moe/concepts/backend.hpp"
#include "moe/concepts/capacity.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// What a capacity left: kept_RE is chosen_RE with 0 for what was dropped; dropped[e]: rows expert e could not take.
template <class B>
struct Kept {
  /// Ranks of what is left.
  Matrix<Rank, B> kept_RE;
  /// Rows that each expert lost.
  std::vector<Index> dropped;
};

/// Drops from each expert what is over the capacity: all first choices come before all second ones, lower rows before
/// higher ones.
template <Backend B, DroppingCapacity C>
Kept<B> drop_over_capacity(const typename B::Context& context, const C& capacity, View<const Rank, B> chosen_RE) {
  Kept<B> result{Matrix<Rank, B>::uninitialized(context, chosen_RE.rows, chosen_RE.cols),
                 std::vector<Index>(static_cast<std::size_t>(chosen_RE.cols))};
  const auto kept_RE = result.kept_RE.view();
  auto choices = Matrix<Index, B>::zeros(context, 1, chosen_RE.rows);
  B::for_each(context, chosen_RE.rows, [=, choices_1R = choices.view()] MOE_ON_DEVICE(Index r) {
    for (Index e = 0; e < chosen_RE.cols; ++e) {
      kept_RE(r, e) = chosen_RE(r, e);
      choices_1R(0, r) += chosen_RE(r, e) != 0;
    }
  });
  typename B::template HostBuffer<Index> by_row(context, chosen_RE.rows);
  B::download(context, std::as_const(choices).view(), by_row.data());
  const Index total = std::accumulate(by_row.data(), by_row.data() + chosen_RE.rows, Index{0});
  const Index wanted = capacity.rows_per_expert({chosen_RE.rows, chosen_RE.cols, total});
  auto dropped = Matrix<Index, B>::uninitialized(context, 1, chosen_RE.cols);
  B::drop_over(context, std::clamp(wanted, Index{0}, chosen_RE.rows), kept_RE, dropped.view());
  B::download(context, std::as_const(dropped).view(), result.dropped.data());
  return result;
}

/// Sets to 0 the values of pairs that are not kept.
template <class Real, Backend B>
void zero_where_dropped(const typename B::Context& context, View<const Rank, B> kept_RE, View<Real, B> values_RE) {
  B::for_each(context, values_RE.rows, [=] MOE_ON_DEVICE(Index r) {
    for (Index e = 0; e < values_RE.cols; ++e)
      if (kept_RE(r, e) == 0) values_RE(r, e) = 0;
  });
}

}  // namespace moe
