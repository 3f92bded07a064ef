#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"
#include "moe/core/row.hpp"
#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// Choice order after dropping: kept_RE is chosen_RE with 0 for dropped pairs; dropped[e]: rows that expert e dropped.
template <class B>
struct Kept {
  /// Choice order after dropping.
  Matrix<ChoiceOrder, B> kept_RE;
  /// Number of rows that each expert dropped.
  std::vector<Index> dropped;
};

namespace detail {

/// place_R1: 1-based priority of each row, 1 for the highest, by its best softmax score or at random.
template <class Real, Backend B>
Matrix<ChoiceOrder, B> drop_order_of_rows(const typename B::Context& context, DropBy by, View<const Real, B> logits_RE,
                                          RandomKey key) {
  const Index rows = logits_RE.rows;
  auto scores = Matrix<Real, B>::uninitialized(context, rows, 1);
  if (by == DropBy::priority) {
    B::for_each(context, rows, [=, scores_R1 = scores.view()] MOE_ON_DEVICE(Index r) {
      scores_R1(r, 0) = 1 / sum_exp(logits_RE.row(r), (max)(logits_RE.row(r)));
    });
  } else {
    // A random stream separate from that of the router.
    key.layer ^= name_hash("drop");
    B::for_each(context, rows, [=, scores_R1 = scores.view()] MOE_ON_DEVICE(Index r) {
      scores_R1(r, 0) = static_cast<Real>(random_uniform(key, static_cast<std::uint64_t>(r)));
    });
  }
  auto places = Matrix<ChoiceOrder, B>::uninitialized(context, rows, 1);
  auto boundary = Matrix<Real, B>::uninitialized(context, 1, 1);
  B::top_rows(context, View<const Real, B>(scores.view()), rows, places.view(), boundary.view());
  return places;
}

/// drop_overflow with rows ordered by priority (drop_order_of_rows) instead of by index: lower choice orders are kept
/// first, then rows of higher priority.
template <class Real, Backend B>
void drop_by_place(const typename B::Context& context, DropBy by, View<const Real, B> logits_RE, RandomKey key,
                   Index take, View<ChoiceOrder, B> kept_RE, View<Index, B> dropped_1E) {
  const auto places = drop_order_of_rows<Real, B>(context, by, logits_RE, key);
  auto ordered = Matrix<ChoiceOrder, B>::uninitialized(context, kept_RE.rows, kept_RE.cols);
  const auto places_R1 = places.view();
  const auto ordered_RE = ordered.view();
  B::for_each_cell(context, kept_RE.rows, kept_RE.cols,
                   [=] MOE_ON_DEVICE(Index r, Index e) { ordered_RE(places_R1(r, 0) - 1, e) = kept_RE(r, e); });
  B::drop_overflow(context, take, ordered_RE, dropped_1E);
  B::for_each_cell(context, kept_RE.rows, kept_RE.cols,
                   [=] MOE_ON_DEVICE(Index r, Index e) { kept_RE(r, e) = ordered_RE(places_R1(r, 0) - 1, e); });
}

/// drop_overflow that keeps the `take` rows of each expert with the highest softmax score for it, regardless of choice
/// order.
template <class Real, Backend B>
void drop_by_probability(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
                         View<ChoiceOrder, B> kept_RE, View<Index, B> dropped_1E) {
  auto scores = Matrix<Real, B>::uninitialized(context, kept_RE.rows, kept_RE.cols);
  auto ranks = Matrix<ChoiceOrder, B>::uninitialized(context, kept_RE.rows, kept_RE.cols);
  auto boundary = Matrix<Real, B>::uninitialized(context, 1, kept_RE.cols);
  const auto scores_RE = scores.view();
  const auto ranks_RE = ranks.view();
  B::for_each(context, kept_RE.rows, [=] MOE_ON_DEVICE(Index r) {
    softmax(logits_RE.row(r), scores_RE.row(r));
    // Rows that did not select the expert sort after all rows that did.
    for (Index e = 0; e < kept_RE.cols; ++e)
      if (kept_RE(r, e) == 0) scores_RE(r, e) = -1;
  });
  B::top_rows(context, View<const Real, B>(scores_RE), take, ranks_RE, boundary.view());
  B::for_each_cell(context, kept_RE.rows, kept_RE.cols, [=] MOE_ON_DEVICE(Index r, Index e) {
    ranks_RE(r, e) = kept_RE(r, e) == 0 ? 0 : ranks_RE(r, e) != 0 ? 1 : 2;
  });
  B::drop_overflow(context, take, ranks_RE, dropped_1E);
  B::for_each_cell(context, kept_RE.rows, kept_RE.cols, [=] MOE_ON_DEVICE(Index r, Index e) {
    if (ranks_RE(r, e) == 0) kept_RE(r, e) = 0;
  });
}

}  // namespace detail

/// Drops the overflow of each expert over its capacity, by the capacity's DropBy. With DropBy::position lower choice
/// orders are kept first, then lower rows. logits_RE are the logits that rows were routed by; `key` is the random key
/// for DropBy::random.
template <class Real, Backend B, DroppingCapacity C>
Kept<B> drop_overflow_rows(const typename B::Context& context, const C& capacity, View<const Real, B> logits_RE,
                           View<const ChoiceOrder, B> chosen_RE, RandomKey key = {}) {
  Kept<B> result{Matrix<ChoiceOrder, B>::uninitialized(context, chosen_RE.rows, chosen_RE.cols),
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
  B::download(context, choices.const_view(), by_row.data());
  const Index total = std::accumulate(by_row.data(), by_row.data() + chosen_RE.rows, Index{0});
  const Index wanted = capacity.rows_per_expert({chosen_RE.rows, chosen_RE.cols, total});
  const Index take = std::clamp(wanted, Index{0}, chosen_RE.rows);
  const DropBy by = drops_by(capacity);
  auto dropped = Matrix<Index, B>::uninitialized(context, 1, chosen_RE.cols);
  if (by == DropBy::position)
    B::drop_overflow(context, take, kept_RE, dropped.view());
  else if (by == DropBy::probability)
    detail::drop_by_probability<Real, B>(context, logits_RE, take, kept_RE, dropped.view());
  else
    detail::drop_by_place<Real, B>(context, by, logits_RE, key, take, kept_RE, dropped.view());
  B::download(context, dropped.const_view(), result.dropped.data());
  return result;
}

/// Sets the values of dropped pairs to 0.
template <class Real, Backend B>
void zero_where_dropped(const typename B::Context& context, View<const ChoiceOrder, B> kept_RE,
                        View<Real, B> values_RE) {
  B::for_each(context, values_RE.rows, [=] MOE_ON_DEVICE(Index r) {
    for (Index e = 0; e < values_RE.cols; ++e)
      if (kept_RE(r, e) == 0) values_RE(r, e) = 0;
  });
}

}  // namespace moe
