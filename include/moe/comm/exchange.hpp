#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/comm/placement.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"
#include "moe/ops/upload_indices.hpp"

namespace moe {

/// Throws Error unless the context's ranks are those that the experts were placed on.
template <class Context>
void require_ranks(std::string_view where, const Context& context, int rank, int ranks) {
  require(context.ranks != nullptr, where, "the experts of this layer were placed on ", counted(ranks, "ranks"),
          ", and the context has none: set context.ranks to those that place() was given");
  require(context.ranks->size() == ranks && context.ranks->rank() == rank, where,
          "the experts of this layer were placed on ", counted(ranks, "ranks"), " with this as rank ", rank,
          ", the context has ", context.ranks->size(), " with this as rank ", context.ranks->rank());
}

namespace detail {

/// The rows' counts in bytes.
inline std::vector<Index> times(std::vector<Index> rows, Index bytes) {
  for (Index& count : rows) count *= bytes;
  return rows;
}

/// Row leaving[i] of `from` is sent as row i, and row i that arrives becomes row arriving[i] of `to`. An empty order
/// moves nothing.
template <class Value, Backend B>
void exchange_rows(const typename B::Context& context, View<const Value, B> from, const Matrix<Index, B>& leaving,
                   const std::vector<Index>& rows_to, View<Value, B> to, const Matrix<Index, B>& arriving,
                   const std::vector<Index>& rows_from) {
  using Team = typename B::Team;
  Matrix<Value, B> sent, arrived;
  if (!leaving.empty()) {
    sent = Matrix<Value, B>::uninitialized(context, from.rows, from.cols);
    B::for_each_row(context, from.rows,
                    [from, sent = sent.view(), order = leaving.data()] MOE_ON_DEVICE(Index i, Team team) {
                      for (Index d = team.rank(); d < from.cols; d += team.size()) sent(i, d) = from(order[i], d);
                    });
  }
  if (!arriving.empty()) arrived = Matrix<Value, B>::uninitialized(context, to.rows, to.cols);
  const Index bytes = from.cols * static_cast<Index>(sizeof(Value));
  context.ranks->all_to_all_v(context, leaving.empty() ? from.data : sent.data(), times(rows_to, bytes),
                              arriving.empty() ? to.data : arrived.data(), times(rows_from, bytes));
  if (!arriving.empty())
    B::for_each_row(context, to.rows,
                    [arrived = arrived.const_view(), to, order = arriving.data()] MOE_ON_DEVICE(Index i, Team team) {
                      for (Index d = team.rank(); d < to.cols; d += team.size()) to(order[i], d) = arrived(i, d);
                    });
}

}  // namespace detail

/// Sends rows to the ranks of their experts and back. Made from the row offsets of the experts on this rank, which are
/// complete; every rank makes one at the same site, also a rank without rows.
template <Backend B>
class Exchange {
 public:
  using Context = typename B::Context;

  /// Tells every rank how many rows it gets. Rows [offsets[e], offsets[e+1]) are for expert e, which lives on rank
  /// owner_of(e) or Placement::everywhere. Throws CommError if the ranks are at different sites.
  template <class OwnerOf>
  Exchange(const Context& context, Site site, ListView<Index> offsets, const OwnerOf& owner_of) {
    Ranks<B>& ranks = *context.ranks;
    const auto count = static_cast<std::size_t>(ranks.size()), mine = static_cast<std::size_t>(ranks.rank());
    const auto experts = static_cast<std::size_t>(offsets.size - 1);
    const auto load = [&](std::size_t e) { return offsets.data[e + 1] - offsets.data[e]; };
    const auto target_of = [&](std::size_t e) {
      const int owner = owner_of(e);
      return owner == Placement::everywhere ? mine : static_cast<std::size_t>(owner);
    };

    std::vector<Index> owned(count);
    for (std::size_t e = 0; e < experts; ++e)
      if (owner_of(e) != Placement::everywhere) ++owned[target_of(e)];
    const Index per_rank = *std::max_element(owned.begin(), owned.end());
    std::vector<Index> loads(count * static_cast<std::size_t>(per_rank)), loads_from(loads.size()), next(count);
    const auto entry = [&](std::size_t rank, Index number) {
      return rank * static_cast<std::size_t>(per_rank) + static_cast<std::size_t>(number);
    };
    for (std::size_t e = 0; e < experts; ++e)
      if (owner_of(e) != Placement::everywhere) {
        const std::size_t rank = target_of(e);
        loads[entry(rank, next[rank]++)] = load(e);
      }
    ranks.announce(site, loads, per_rank, loads_from.data());

    rows_to_.assign(count, 0);
    rows_from_.assign(count, 0);
    offsets_.assign(experts + 1, 0);
    std::vector<Index> number(experts);
    std::fill(next.begin(), next.end(), Index{0});
    for (std::size_t e = 0; e < experts; ++e) {
      const bool is_replicated = owner_of(e) == Placement::everywhere;
      const std::size_t rank = target_of(e);
      rows_to_[rank] += load(e);
      if (!is_replicated) number[e] = next[rank]++;
      Index rows = 0;
      if (is_replicated)
        rows = load(e);
      else if (rank == mine)
        for (std::size_t p = 0; p < count; ++p) rows += loads_from[entry(p, number[e])];
      offsets_[e + 1] = offsets_[e] + rows;
    }

    // Rows leave by rank, then by expert; they arrive by rank, then by expert, and are processed by expert, then by
    // rank.
    Order sent(offsets.data[experts]);
    for (std::size_t p = 0; p < count; ++p)
      for (std::size_t e = 0; e < experts; ++e)
        if (target_of(e) == p) sent.append(offsets.data[e], load(e));
    Order arrived(rows());
    std::vector<Index> filled(offsets_.begin(), offsets_.end() - 1);
    for (std::size_t p = 0; p < count; ++p)
      for (std::size_t e = 0; e < experts; ++e) {
        const bool is_replicated = owner_of(e) == Placement::everywhere;
        if (target_of(e) != mine || (is_replicated && p != mine)) continue;
        const Index from_p = is_replicated ? load(e) : loads_from[entry(p, number[e])];
        arrived.append(filled[e], from_p);
        filled[e] += from_p;
        rows_from_[p] += from_p;
      }
    sent_ = sent.uploaded(context);
    arrived_ = arrived.uploaded(context);
  }

  /// Row offsets of the experts' rows here: E + 1 entries; an expert that lives elsewhere has no rows.
  const std::vector<Index>& offsets() const { return offsets_; }
  /// Number of rows that are processed here.
  Index rows() const { return offsets_.back(); }
  /// Number of rows that this rank has sent, to itself too.
  Index rows_sent() const { return std::accumulate(rows_to_.begin(), rows_to_.end(), Index{0}); }

  /// Rows by expert, as this rank has them -> the rows of all ranks for the experts that are here, by expert, then by
  /// rank, then in the order of that rank.
  template <class Value>
  Matrix<Value, B> out(const Context& context, View<const Value, B> x_ND) const {
    auto x_MD = Matrix<Value, B>::uninitialized(context, rows(), x_ND.cols);
    detail::exchange_rows<Value, B>(context, x_ND, sent_, rows_to_, x_MD.view(), arrived_, rows_from_);
    return x_MD;
  }
  /// The way back: rows as out() returned them -> rows as it took them.
  template <class Value>
  Matrix<Value, B> back(const Context& context, View<const Value, B> y_MD) const {
    auto y_ND = Matrix<Value, B>::uninitialized(context, rows_sent(), y_MD.cols);
    detail::exchange_rows<Value, B>(context, y_MD, arrived_, rows_from_, y_ND.view(), sent_, rows_to_);
    return y_ND;
  }
  /// out() for a matrix of one row that has a value for each row.
  template <class Value>
  Matrix<Value, B> values_out(const Context& context, View<const Value, B> values_1N) const {
    auto values_1M = Matrix<Value, B>::uninitialized(context, 1, rows());
    detail::exchange_rows<Value, B>(context, column(values_1N), sent_, rows_to_, column(values_1M.view()), arrived_,
                                    rows_from_);
    return values_1M;
  }
  /// back() for such values.
  template <class Value>
  Matrix<Value, B> values_back(const Context& context, View<const Value, B> values_1M) const {
    auto values_1N = Matrix<Value, B>::uninitialized(context, 1, rows_sent());
    detail::exchange_rows<Value, B>(context, column(values_1M), arrived_, rows_from_, column(values_1N.view()), sent_,
                                    rows_to_);
    return values_1N;
  }

 private:
  using Indices = Matrix<Index, B>;

  /// Where each row of a list comes from.
  class Order {
   public:
    explicit Order(Index rows) { rows_.reserve(static_cast<std::size_t>(rows)); }
    void append(Index first, Index count) {
      is_identity_ = is_identity_ && (count == 0 || first == static_cast<Index>(rows_.size()));
      for (Index i = 0; i < count; ++i) rows_.push_back(first + i);
    }
    /// In the backend's memory; empty if nothing moves.
    Indices uploaded(const Context& context) const {
      return is_identity_ ? Indices() : upload_indices<B>(context, rows_);
    }

   private:
    std::vector<Index> rows_;
    bool is_identity_ = true;
  };

  template <class Value>
  static View<Value, B> column(View<Value, B> row) {
    return {row.data, row.cols, 1};
  }
  std::vector<Index> offsets_, rows_to_, rows_from_;
  /// Row i that leaves is row sent_[i] of this rank's; row i that arrives is row arrived_[i] of those processed here.
  Indices sent_, arrived_;
};

}  // namespace moe
