#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "moe/core/counted.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/row.hpp"
#include "moe/core/score_order.hpp"
#include "moe/core/team.hpp"

namespace moe {

namespace detail {

/// An expert and a row's bid for it, or its worth for a row; expert is -1 where there is none.
template <class Real>
struct Bid {
  /// The bid or the worth.
  Real amount;
  /// The expert's index.
  Index expert;
};

/// The state of BalancedAssignment's auction on a backend. Each expert keeps its bids in a heap with the lowest first.
template <class B, class Real>
struct Auction {
  /// What each expert is worth to each row, without prices.
  View<const Real, B> logits_RE;
  /// Number of rows that an expert can keep.
  Index take;
  /// The least bid, 1 x 1.
  View<const Real, B> least_1;
  /// The lowest kept bid of each expert that keeps `take` bids; 0 for the others.
  View<Real, B> price_1E;
  /// Number of bids that each expert keeps.
  View<Index, B> load_1E;
  /// The kept bids of each expert, a heap of its load.
  View<Real, B> kept_ES;
  /// Their rows.
  View<Index, B> rows_ES;
  /// The rows without an expert, first to last. The last ones bid.
  View<Index, B> waiting_1R;
  /// The bids of those that bid at the same prices.
  View<Real, B> amounts_1R;
  /// Their experts, or -1.
  View<Index, B> wanted_1R;
  /// Number of bids that each expert accepted.
  View<Index, B> accepted_1E;
  /// The counts that Progress::add reads.
  View<Index, B> counts_4;

  /// Below the worth of every expert.
  static constexpr Real none = -(std::numeric_limits<Real>::max)();
  /// Whether a value is neither infinite nor NaN; only bits are read, as in descending_bits.
  MOE_HOST_DEVICE static bool is_finite(Real value) {
    const auto bits = descending_bits(value);
    return bits >= descending_bits(-none) && bits <= descending_bits(none);
  }

  /// The bid of row r for the expert with the largest logit minus price: the price, plus the margin over the second
  /// best expert, plus the least bid. Ties go to the first expert from r % experts on, so that rows with equal logits
  /// spread. No bid if it is not finite. Each thread of the team reads the prices of its own experts alone.
  template <class Team>
  MOE_HOST_DEVICE Bid<Real> bid_of(Index r, Team team) const {
    const Index experts = logits_RE.cols, start = r % experts, size = team.size(), rank = team.rank();
    const auto logits_E = logits_RE.row(r);
    const auto price_E = price_1E.row(0);
    Bid<Real> best{none, -1};
    Real next = none;
    const auto compare = [&](Index begin, Index end) {
      for (Index e = begin; e < end; e += size) {
        const Real worth = logits_E[e] - price_E[e];
        if (worth > best.amount)
          next = best.amount, best = {worth, e};
        else if (worth > next)
          next = worth;
      }
    };
    compare(start + (rank + size - start % size) % size, experts);
    compare(rank, start);
    const Bid<Real> own = best;
    best = team.fold(own, [=](Bid<Real> a, Bid<Real> b) {
      const auto place = [=](Bid<Real> bid) { return bid.expert < start ? bid.expert + experts : bid.expert; };
      if (a.expert < 0 || b.expert < 0) return a.expert < 0 ? b : a;
      if (a.amount > b.amount || b.amount > a.amount) return a.amount > b.amount ? a : b;
      return place(a) < place(b) ? a : b;
    });
    next = team.fold(own.expert == best.expert ? next : own.amount, Larger{});
    if (best.expert < 0) return best;
    // The thread that owns the expert knows its price.
    Real amount = 0;
    if (best.expert % size == rank)
      amount = price_E[best.expert] + (experts > 1 ? best.amount - next : Real(0)) + least_1(0, 0);
    amount = team.sum(amount);
    return {amount, is_finite(amount) ? best.expert : -1};
  }

  /// The expert keeps the bid of row r if it has capacity left, or if the bid exceeds the price by the least bid or
  /// more; it then gives up its lowest bid. Returns the row that has no expert now: -1, r, or the row of that bid.
  MOE_HOST_DEVICE Index award(Index r, Bid<Real> bid) const {
    const auto kept_S = kept_ES.row(bid.expert);
    const auto rows_S = rows_ES.row(bid.expert);
    Real& price = price_1E(0, bid.expert);
    Index& load = load_1E(0, bid.expert);
    Index slot = 0, without = -1;
    if (load < take) {
      slot = load++;
      for (Index above = (slot - 1) / 2; slot > 0 && kept_S[above] > bid.amount; above = (slot - 1) / 2) {
        kept_S[slot] = kept_S[above];
        rows_S[slot] = rows_S[above];
        slot = above;
      }
    } else {
      if (!(bid.amount >= price + least_1(0, 0))) return r;
      without = rows_S[0];
      for (Index below = 1; below < load; below = 2 * slot + 1) {
        if (below + 1 < load && kept_S[below + 1] < kept_S[below]) ++below;
        if (kept_S[below] >= bid.amount) break;
        kept_S[slot] = kept_S[below];
        rows_S[slot] = rows_S[below];
        slot = below;
      }
    }
    kept_S[slot] = bid.amount;
    rows_S[slot] = r;
    if (load == take) price = kept_S[0];
    return without;
  }
};

}  // namespace detail

/// BASE layers' training router (Lewis et al. 2021, arXiv 2103.16716): each row is assigned to one expert and no expert
/// gets more rows than its capacity, such that the sum of the assigned logits is as large as possible. The assignment
/// is found by an auction (Bertsekas and Castanon 1989, for objects with several copies): a row without an expert bids
/// for the expert with the largest logit minus price, and the bid exceeds the price by the margin over the second best
/// expert plus the least bid. An expert keeps its highest bidders, and its price is the lowest bid it keeps, or 0 while
/// it has capacity left.
///
/// The sum falls short of the largest by at most rows times the least bid. If all logits are finite, experts accept at
/// most 1 + 1 / step bids per row on average (docs/05_decisions.md says why); random logits take 1 to 6 bids per row,
/// and a bid reads one row of logits. A row does not bid for an expert with a logit of NaN or -infinity; a large
/// negative number in place of -infinity would make the least bid large. If such logits confine more rows to some
/// experts than these can take, bids end at most_rounds. A row without a finite bid gets an expert with capacity left
/// after the auction.
///
/// Rows compete: for training, with EvenShare; in inference the best expert: TrainInfer<BalancedAssignment, TopK>. Use
/// SigmoidOverChosen for the gates. After every block of bids the host waits for the number of rows without an expert.
struct BalancedAssignment {
  /// The least bid: minimum amount by which a bid exceeds the price, as a fraction of the largest finite logit minus
  /// the smallest. Steps below 8 times the relative precision of the logits' type count as that.
  double step = 0.02;
  /// Maximum number of bids, as a multiple of the number of rows. Rows that are still unassigned then fill the
  /// remaining capacity.
  Index most_rounds = 2000;

  /// Throws Error for a step that is not finite and above 0 and for a negative most_rounds.
  void require_fits() const {
    require(step > 0 && std::isfinite(step), "BalancedAssignment", "the step must be finite and above 0, got ", step);
    require(most_rounds >= 0, "BalancedAssignment",
            "most_rounds, the number of bids per row, must not be negative, got ", most_rounds);
  }

  /// logits_RE -> chosen_RE holds 1 for the one expert of each row. `take`: capacity of each expert, in rows.
  /// boundary_1E: the prices of the experts. Throws Error if the experts together cannot take every row. Returns the
  /// number of bids.
  template <class B, class Real>
  Index choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
               View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E) const {
    const Index rows = logits_RE.rows, experts = logits_RE.cols;
    require(rows <= take * experts, "BalancedAssignment", counted(experts, "experts"), " with a capacity of ",
            counted(take, "rows"), " each cannot take ", counted(rows, "rows"));
    auto load = Matrix<Index, B>::uninitialized(context, 1, experts);
    B::for_each_element(context, experts, [=, load_1E = load.view()] MOE_ON_DEVICE(Index e) {
      boundary_1E(0, e) = 0;
      load_1E(0, e) = 0;
    });
    B::for_each_cell(context, rows, experts, [=] MOE_ON_DEVICE(Index r, Index e) { chosen_RE(r, e) = 0; });
    if (rows == 0) return 0;
    const Index places = (std::min)(take, rows);
    const auto least = least_bid<B, Real>(context, logits_RE);
    auto kept = Matrix<Real, B>::uninitialized(context, experts, places);
    auto kept_rows = Matrix<Index, B>::uninitialized(context, experts, places);
    auto waiting = Matrix<Index, B>::uninitialized(context, 1, rows);
    auto amounts = Matrix<Real, B>::uninitialized(context, 1, rows);
    auto wanted = Matrix<Index, B>::uninitialized(context, 1, rows);
    auto accepted = Matrix<Index, B>::uninitialized(context, 1, experts);
    auto counts = Matrix<Index, B>::uninitialized(context, 1, 4);
    const detail::Auction<B, Real> auction{.logits_RE = logits_RE,
                                           .take = take,
                                           .least_1 = least.view(),
                                           .price_1E = boundary_1E,
                                           .load_1E = load.view(),
                                           .kept_ES = kept.view(),
                                           .rows_ES = kept_rows.view(),
                                           .waiting_1R = waiting.view(),
                                           .amounts_1R = amounts.view(),
                                           .wanted_1R = wanted.view(),
                                           .accepted_1E = accepted.view(),
                                           .counts_4 = counts.view()};
    B::for_each_element(context, rows, [=] MOE_ON_DEVICE(Index r) { auction.waiting_1R(0, r) = r; });
    const Index most = rows <= (std::numeric_limits<Index>::max)() / (std::max)(most_rounds, Index{1})
                           ? rows * most_rounds
                           : (std::numeric_limits<Index>::max)();
    Progress progress{.waiting = rows};
    // Rows that bid at the same prices keep many threads at work, but few of their bids for the same expert are
    // accepted; the number of bidders therefore halves or doubles with the share of accepted bids.
    Index block = rows;
    while (progress.waiting > 0 && progress.bids < most) {
      const Index bidders = (std::min)(block, progress.waiting), before = progress.accepted;
      if (bidders <= few) {
        bid_in_turn<B, Real>(context, auction, (std::min)(most - progress.bids, in_turn), progress);
        block = 2 * few;
      } else {
        bid_at_once<B, Real>(context, auction, (std::min)(most - progress.bids, bidders), progress);
        block = 2 * (progress.accepted - before) < bidders ? bidders / 2 : 2 * bidders;
      }
    }
    B::for_each_cell(context, experts, places, [=] MOE_ON_DEVICE(Index e, Index slot) {
      if (slot < auction.load_1E(0, e)) chosen_RE(auction.rows_ES(e, slot), e) = 1;
    });
    if (progress.waiting + progress.without_bid > 0) fill_capacity<B>(context, take, load.view(), chosen_RE);
    return progress.bids;
  }

  /// The state of the auction that the host knows.
  struct Progress {
    /// Number of rows without an expert that may bid.
    Index waiting = 0;
    /// Number of bids.
    Index bids = 0;
    /// Number of bids that were accepted.
    Index accepted = 0;
    /// Number of rows without a finite bid.
    Index without_bid = 0;

    /// The host waits for the four counts of some bids: the waiting rows that they leave, and the others to add.
    template <class B>
    void add(const typename B::Context& context, View<const Index, B> counts_4) {
      Index counts[4];
      B::download(context, counts_4, counts);
      waiting = counts[0];
      bids += counts[1];
      accepted += counts[2];
      without_bid += counts[3];
    }
  };
  /// Maximum number of bidders that bid one after the other.
  static constexpr Index few = 32;
  /// Maximum number of bids that are made one after the other before the host looks at the progress.
  static constexpr Index in_turn = 4096;

  /// The last `bids` rows of the waiting ones bid at the same prices.
  template <class B, class Real>
  static void bid_at_once(const typename B::Context& context, const detail::Auction<B, Real>& auction, Index bids,
                          Progress& progress) {
    const Index experts = auction.logits_RE.cols, first = progress.waiting - bids;
    B::for_each_row(context, bids, [=] MOE_ON_DEVICE(Index n, typename B::Team team) {
      const detail::Bid<Real> bid = auction.bid_of(auction.waiting_1R(0, first + n), team);
      if (team.rank() != 0) return;
      auction.amounts_1R(0, n) = bid.amount;
      auction.wanted_1R(0, n) = bid.expert;
    });
    B::for_each(context, experts, [=] MOE_ON_DEVICE(Index e) {
      Index kept = 0;
      for (Index n = 0; n < bids; ++n) {
        if (auction.wanted_1R(0, n) != e) continue;
        Index& row = auction.waiting_1R(0, first + n);
        const Index without = auction.award(row, {auction.amounts_1R(0, n), e});
        kept += without != row;
        row = without;
      }
      auction.accepted_1E(0, e) = kept;
    });
    B::for_each_element(context, 1, [=] MOE_ON_DEVICE(Index) {
      Index waiting = first, kept = 0, without_bid = 0;
      for (Index n = 0; n < bids; ++n) {
        const Index row = auction.waiting_1R(0, first + n);
        if (auction.wanted_1R(0, n) < 0)
          ++without_bid;
        else if (row >= 0)
          auction.waiting_1R(0, waiting++) = row;
      }
      for (Index e = 0; e < experts; ++e) kept += auction.accepted_1E(0, e);
      auction.counts_4(0, 0) = waiting;
      auction.counts_4(0, 1) = bids;
      auction.counts_4(0, 2) = kept;
      auction.counts_4(0, 3) = without_bid;
    });
    progress.add<B>(context, auction.counts_4);
  }

  /// The waiting rows bid one after the other, up to `most` bids, each at the prices that the bids before it left. The
  /// threads of the team share the experts: each reads and writes the prices and kept bids of its own.
  template <class B, class Real>
  static void bid_in_turn(const typename B::Context& context, const detail::Auction<B, Real>& auction, Index most,
                          Progress& progress) {
    B::for_each_row(context, 1, [=, left = progress.waiting] MOE_ON_DEVICE(Index, typename B::Team team) {
      Index waiting = left, row = -1, bids = 0, without_bid = 0;
      while (waiting > 0 && bids < most) {
        if (row < 0) row = auction.waiting_1R(0, waiting - 1);
        const detail::Bid<Real> bid = auction.bid_of(row, team);
        ++bids;
        // The row that the bid leaves without an expert, plus 1, as its one summand.
        Index next = 0;
        if (bid.expert < 0)
          ++without_bid;
        else if (bid.expert % team.size() == team.rank())
          next = auction.award(row, bid) + 1;
        row = team.sum(next) - 1;
        if (row < 0) --waiting;
      }
      if (team.rank() != 0) return;
      if (row >= 0) auction.waiting_1R(0, waiting - 1) = row;
      auction.counts_4(0, 0) = waiting;
      auction.counts_4(0, 1) = bids;
      auction.counts_4(0, 2) = bids - without_bid;
      auction.counts_4(0, 3) = without_bid;
    });
    progress.add<B>(context, auction.counts_4);
  }

  /// The least bid, step (largest - smallest finite logit), on the backend.
  template <class B, class Real>
  Matrix<Real, B> least_bid(const typename B::Context& context, View<const Real, B> logits_RE) const {
    using Auction = detail::Auction<B, Real>;
    auto ends = Matrix<Real, B>::uninitialized(context, logits_RE.rows, 2);
    auto result = Matrix<Real, B>::uninitialized(context, 1, 1);
    const auto ends_R2 = ends.view();
    B::for_each_row(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r, typename B::Team team) {
      // The smallest value is the largest negative one.
      Real minus_least = Auction::none, most = Auction::none;
      for (Index e = team.rank(); e < logits_RE.cols; e += team.size()) {
        const Real z = logits_RE(r, e);
        if (!Auction::is_finite(z)) continue;
        minus_least = Larger{}(minus_least, -z);
        most = Larger{}(most, z);
      }
      minus_least = team.fold(minus_least, Larger{});
      most = team.fold(most, Larger{});
      if (team.rank() == 0) ends_R2(r, 0) = minus_least, ends_R2(r, 1) = most;
    });
    constexpr Real precision = 8 * std::numeric_limits<Real>::epsilon();
    const Real share = (std::max)(static_cast<Real>(step), precision);
    B::for_each_row(context, 1, [=, result_1 = result.view()] MOE_ON_DEVICE(Index, typename B::Team team) {
      Real minus_least = Auction::none, most = Auction::none;
      for (Index r = team.rank(); r < ends_R2.rows; r += team.size()) {
        minus_least = Larger{}(minus_least, ends_R2(r, 0));
        most = Larger{}(most, ends_R2(r, 1));
      }
      minus_least = team.fold(minus_least, Larger{});
      most = team.fold(most, Larger{});
      // If all logits are equal, any positive value serves.
      if (team.rank() == 0) result_1(0, 0) = most > -minus_least ? share * (most + minus_least) : Real(1);
    });
    return result;
  }
  /// Assigns unassigned rows, in order, to experts with capacity left. `load_1E`: the rows that each expert has.
  template <class B>
  static void fill_capacity(const typename B::Context& context, Index take, View<Index, B> load_1E,
                            View<ChoiceOrder, B> chosen_RE) {
    B::for_each_element(context, 1, [=] MOE_ON_DEVICE(Index) {
      Index free = 0;
      for (Index r = 0; r < chosen_RE.rows; ++r) {
        bool has_expert = false;
        for (Index e = 0; e < chosen_RE.cols; ++e) has_expert = has_expert || chosen_RE(r, e) != 0;
        if (has_expert) continue;
        while (load_1E(0, free) == take) ++free;
        chosen_RE(r, free) = 1;
        ++load_1E(0, free);
      }
    });
  }
};

}  // namespace moe
