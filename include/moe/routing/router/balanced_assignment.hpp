#pragma once

#include <cmath>
#include <limits>

#include "moe/core/counted.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// BASE layers' training router (Lewis et al. 2021, arXiv 2103.16716): each row is assigned to one expert and no expert
/// gets more rows than its capacity, such that the sum of the assigned logits is as large as possible. The assignment
/// is found by an auction: a row without an expert bids for the expert with the largest logit minus price, and the bid
/// exceeds the price by the margin over the second best expert plus the least bid. An expert keeps its highest bidders,
/// and its price is the lowest bid it keeps. The sum falls short of the largest by at most rows times the least bid.
/// Rows compete: for training, with EvenShare; in inference the best expert: TrainInfer<BalancedAssignment, TopK>. Use
/// SigmoidOverChosen for the gates. After every round the host waits for the number of unassigned rows.
struct BalancedAssignment {
  /// The least bid: minimum amount by which a bid exceeds the price, as a fraction of the largest logit minus the
  /// smallest.
  double step = 0.02;
  /// Maximum number of rounds. Rows that are still unassigned, as may happen with NaN, then fill the remaining
  /// capacity.
  Index most_rounds = 2000;

  /// Throws Error for a step that is not finite and above 0 and for a negative number of rounds.
  void require_fits() const {
    require(step > 0 && std::isfinite(step), "BalancedAssignment", "the step must be finite and above 0, got ", step);
    require(most_rounds >= 0, "BalancedAssignment", "the number of rounds must not be negative, got ", most_rounds);
  }

  /// logits_RE -> chosen_RE holds 1 for the one expert of each row. `take`: capacity of each expert, in rows.
  /// boundary_1E: the prices of the experts. Throws Error if the experts together cannot take every row.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E) const {
    const Index rows = logits_RE.rows, experts = logits_RE.cols;
    require(rows <= take * experts, "BalancedAssignment", counted(experts, "experts"), " with a capacity of ",
            counted(take, "rows"), " each cannot take ", counted(rows, "rows"));
    B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { boundary_1E(0, e) = 0; });
    B::for_each_cell(context, rows, experts, [=] MOE_ON_DEVICE(Index r, Index e) { chosen_RE(r, e) = 0; });
    if (rows == 0) return;
    const auto least_1 = least_bid<B, Real>(context, logits_RE);
    // Marks a missing bid; it is below every bid.
    constexpr Real none = -(std::numeric_limits<Real>::max)();
    auto bids = Matrix<Real, B>::uninitialized(context, rows, experts);
    auto ranks = Matrix<ChoiceOrder, B>::uninitialized(context, rows, experts);
    auto last_kept = Matrix<Real, B>::uninitialized(context, 1, experts);
    auto left = Matrix<Index, B>::uninitialized(context, 1, 1);
    const auto bids_RE = bids.view();
    const auto ranks_RE = ranks.view();
    const auto left_1 = left.view();
    const auto least = least_1.view();
    B::for_each_cell(context, rows, experts, [=] MOE_ON_DEVICE(Index r, Index e) { bids_RE(r, e) = none; });
    Index without = rows;
    for (Index round = 0; round < most_rounds && without > 0; ++round) {
      B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
        Index best = 0;
        Real most = none, next = none;
        for (Index e = 0; e < experts; ++e) {
          if (chosen_RE(r, e) != 0) return;
          const Real worth = logits_RE(r, e) - boundary_1E(0, e);
          if (worth > most)
            next = most, most = worth, best = e;
          else if (worth > next)
            next = worth;
        }
        const Real ahead = experts > 1 && most > next ? most - next : Real(0);
        bids_RE(r, best) = boundary_1E(0, best) + ahead + least(0, 0);
      });
      B::top_rows(context, View<const Real, B>(bids_RE), take, ranks_RE, last_kept.view());
      B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) {
        Index kept = 0;
        Real lowest = 0;
        for (Index r = 0; r < rows; ++r) {
          const bool keeps = ranks_RE(r, e) != 0 && bids_RE(r, e) != none;
          chosen_RE(r, e) = keeps ? 1 : 0;
          if (keeps && (kept++ == 0 || bids_RE(r, e) < lowest)) lowest = bids_RE(r, e);
          if (!keeps) bids_RE(r, e) = none;
        }
        // An expert with capacity left has price 0.
        boundary_1E(0, e) = kept == take ? lowest : Real(0);
      });
      B::for_each_element(context, 1, [=] MOE_ON_DEVICE(Index) {
        Index held = 0;
        for (Index r = 0; r < rows; ++r)
          for (Index e = 0; e < experts; ++e) held += chosen_RE(r, e) != 0;
        left_1(0, 0) = rows - held;
      });
      B::download(context, left.const_view(), &without);
    }
    if (without > 0) fill_capacity<B>(context, take, chosen_RE);
  }

  /// The least bid, step (largest - smallest logit), on the backend.
  template <class B, class Real>
  Matrix<Real, B> least_bid(const typename B::Context& context, View<const Real, B> logits_RE) const {
    auto ends = Matrix<Real, B>::uninitialized(context, 2, logits_RE.cols);
    auto result = Matrix<Real, B>::uninitialized(context, 1, 1);
    const auto ends_2E = ends.view();
    B::for_each_element(context, logits_RE.cols, [=] MOE_ON_DEVICE(Index e) {
      Real least = logits_RE(0, e), most = least;
      for (Index r = 1; r < logits_RE.rows; ++r) {
        const Real z = logits_RE(r, e);
        if (z < least) least = z;
        if (z > most) most = z;
      }
      ends_2E(0, e) = least;
      ends_2E(1, e) = most;
    });
    const Real share = static_cast<Real>(step);
    B::for_each_element(context, 1, [=, result_1 = result.view()] MOE_ON_DEVICE(Index) {
      Real least = ends_2E(0, 0), most = ends_2E(1, 0);
      for (Index e = 1; e < ends_2E.cols; ++e) {
        if (ends_2E(0, e) < least) least = ends_2E(0, e);
        if (ends_2E(1, e) > most) most = ends_2E(1, e);
      }
      // If all logits are equal, any positive value serves.
      result_1(0, 0) = most > least ? share * (most - least) : Real(1);
    });
    return result;
  }
  /// Assigns unassigned rows, in order, to experts with capacity left.
  template <class B>
  static void fill_capacity(const typename B::Context& context, Index take, View<ChoiceOrder, B> chosen_RE) {
    B::for_each_element(context, 1, [=] MOE_ON_DEVICE(Index) {
      Index r = 0;
      for (Index e = 0; e < chosen_RE.cols; ++e) {
        Index room = take;
        for (Index other = 0; other < chosen_RE.rows; ++other) room -= chosen_RE(other, e) != 0;
        for (; room > 0 && r < chosen_RE.rows; ++r) {
          bool has_expert = false;
          for (Index other = 0; other < chosen_RE.cols; ++other) has_expert = has_expert || chosen_RE(r, other) != 0;
          if (!has_expert) chosen_RE(r, e) = 1, --room;
        }
      }
    });
  }
};

}  // namespace moe
