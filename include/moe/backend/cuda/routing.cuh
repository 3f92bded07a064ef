#pragma once

#include <thrust/scan.h>
#include <thrust/sort.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/score_order.cuh"
#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/score_order.hpp"

namespace moe::gpu {

/// The operations of RoutingBackend: they select rows by experts, drop the overflow, sort the pairs (row, expert),
/// dispatch and combine.
template <class Backend, class Device>
class RoutingOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// Maximum number of rows for which top_rows compares every two rows; with more rows it sorts.
  static constexpr Index compared_rows = 2048;

  /// For each expert, choice orders 1 to `take` for the rows with the highest scores, 0 for the others. Ties go to the
  /// lower row; NaN comes last. boundary_1E as in backend/contract/routing.hpp.
  template <class Real>
  static void top_rows(const Context& context, In<Real> scores_RE, Index take, View<ChoiceOrder, Backend> chosen_RE,
                       Out<Real> boundary_1E) {
    const Index rows = scores_RE.rows, experts = scores_RE.cols;
    if (rows == 0 || take == 0) {
      Backend::for_each_cell(context, rows, experts, [=] MOE_ON_DEVICE(Index r, Index e) { chosen_RE(r, e) = 0; });
      Backend::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { boundary_1E(0, e) = take > 0 ? 0 : 1; });
      return;
    }
    // Row 0: the lowest selected score of each expert. Row 1: its highest other score, 0 if every row is selected.
    auto sides = Matrix<Real, Backend>::zeros(context, 2, experts);
    const gpu::NotePlace<Real, Backend> note{scores_RE, chosen_RE, sides.view(), take};
    if (rows <= compared_rows) {
      Backend::for_each_cell(context, experts, rows, [=] MOE_ON_DEVICE(Index e, Index r) {
        const auto own = descending_bits(scores_RE(r, e));
        Index place = 0;
        for (Index other = 0; other < rows; ++other) {
          const auto bits = descending_bits(scores_RE(other, e));
          place += bits < own || (bits == own && other < r);
        }
        note(r, e, place);
      });
    } else {
      using Bits = decltype(descending_bits(Real()));
      auto bits = Matrix<Bits, Backend>::uninitialized(context, 1, rows * experts);
      auto places = Matrix<Index, Backend>::uninitialized(context, 1, rows * experts);
      Backend::for_each_cell(context, experts, rows,
                             [=, bits = bits.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index r) {
                               bits[e * rows + r] = descending_bits(scores_RE(r, e));
                               places[e * rows + r] = e * rows + r;
                             });
      sort_stably(context, bits, places);
      // A second stable sort, by expert, preserves the order by score within each expert.
      auto of_expert = Matrix<std::uint32_t, Backend>::uninitialized(context, 1, rows * experts);
      Backend::for_each_element(context, rows * experts,
                                [=, of_expert = of_expert.data(), places = places.data()] MOE_ON_DEVICE(Index i) {
                                  of_expert[i] = static_cast<std::uint32_t>(places[i] / rows);
                                });
      sort_stably(context, of_expert, places);
      Backend::for_each_cell(context, experts, rows, [=, places = places.data()] MOE_ON_DEVICE(Index e, Index place) {
        note(places[e * rows + place] - e * rows, e, place);
      });
    }
    Backend::for_each_element(context, experts, [=, sides_2E = sides.view()] MOE_ON_DEVICE(Index e) {
      boundary_1E(0, e) = (sides_2E(0, e) + sides_2E(1, e)) / 2;
    });
  }

  /// For each expert, keeps at most `take` pairs and sets the choice order of the overflow to 0. Lower choice orders
  /// are kept first, then lower rows. dropped_1E counts the dropped pairs.
  static void drop_overflow(const Context& context, Index take, View<ChoiceOrder, Backend> chosen_RE,
                            View<Index, Backend> dropped_1E) {
    const Index rows = chosen_RE.rows, experts = chosen_RE.cols;
    Backend::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { dropped_1E(0, e) = 0; });
    if (rows == 0) return;
    // Sort keys: expert, then choice order (entries without a selection after all others), then row.
    constexpr std::uint32_t unchosen = ~std::uint32_t{0};
    auto keys = Matrix<std::uint64_t, Backend>::uninitialized(context, 1, rows * experts);
    auto places = Matrix<Index, Backend>::uninitialized(context, 1, rows * experts);
    Backend::for_each_cell(context, experts, rows,
                           [=, keys = keys.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index r) {
                             const ChoiceOrder rank = chosen_RE(r, e);
                             const std::uint32_t order = rank == 0 ? unchosen : static_cast<std::uint32_t>(rank);
                             keys[e * rows + r] = static_cast<std::uint64_t>(e) << 32 | order;
                             places[e * rows + r] = r;
                           });
    sort_stably(context, keys, places);
    Backend::for_each_cell(context, experts, rows,
                           [=, keys = keys.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index place) {
                             const auto is_choice = [&](Index p) {
                               return p < rows && static_cast<std::uint32_t>(keys[e * rows + p]) != unchosen;
                             };
                             if (place < take || !is_choice(place)) return;
                             chosen_RE(places[e * rows + place], e) = 0;
                             if (!is_choice(place + 1)) dropped_1E(0, e) = place + 1 - take;
                           });
  }

  /// The counted and numbered pairs, and the pending copy of the experts' offsets to the host.
  struct Grouping {
    /// 1 x (E T + 1) values. Entry e T + t is the number of pairs before (t, e), sorted by expert, then row: the index
    /// of this pair if row t selected expert e. The last entry is the number of all pairs.
    Matrix<Index, Backend> place_ET;
    /// As Plan::pair_begin_1T.
    Matrix<Index, Backend> pair_begin_1T;
    /// As Plan::counted.
    typename Backend::template AsyncCopy<Index> counted;
    /// The offsets that are known before counting; the others are GroupOffsets::unknown.
    std::vector<Index> expected;
  };
  /// The first step of group_by_expert: counts the pairs and starts the copy of the offsets to the host.
  static Grouping begin_grouping(const Context& context, View<const ChoiceOrder, Backend> chosen_TE,
                                 const ExpectedCounts& expected = {}) {
    using Indices = Matrix<Index, Backend>;
    const Index rows = chosen_TE.rows, experts = chosen_TE.cols;
    Grouping grouping{Indices::uninitialized(context, 1, rows * experts + 1),
                      Indices::uninitialized(context, 1, rows + 1),
                      {},
                      expected.offsets(experts)};
    Backend::for_each_cell(context, experts, rows,
                           [=, place = grouping.place_ET.data()] MOE_ON_DEVICE(Index e, Index t) {
                             place[e * rows + t] = chosen_TE(t, e) != 0;
                             if (e + 1 == experts && t + 1 == rows) place[experts * rows] = 0;
                           });
    scan(context, grouping.place_ET);
    auto offsets = Indices::uninitialized(context, 1, experts + 1);
    Backend::for_each_element(context, experts + 1,
                              [=, offsets = offsets.data(), place = grouping.place_ET.data()] MOE_ON_DEVICE(Index e) {
                                offsets[e] = rows == 0 ? 0 : place[e * rows];
                              });
    grouping.counted = Backend::download_async(context, offsets.const_view());
    Backend::for_each(context, rows + 1, [=, begin = grouping.pair_begin_1T.data()] MOE_ON_DEVICE(Index t) {
      Index pairs = 0;
      for (Index e = 0; e < experts && t < rows; ++e) pairs += chosen_TE(t, e) != 0;
      begin[t] = pairs;
    });
    scan(context, grouping.pair_begin_1T);
    return grouping;
  }
  /// The second step. If the number of pairs is known before counting, the host does not wait, and the plan is not
  /// complete yet. Otherwise the host waits for the offsets; work enqueued since the first step hides that wait.
  static Plan<Backend> finish_grouping(const Context& context, View<const ChoiceOrder, Backend> chosen_TE,
                                       Grouping grouping) {
    using Indices = Matrix<Index, Backend>;
    const Index rows = chosen_TE.rows, experts = chosen_TE.cols;
    Plan<Backend> plan;
    plan.offsets = std::move(grouping.expected);
    plan.counted = std::move(grouping.counted);
    plan.is_complete = false;
    if (plan.offsets.back() == GroupOffsets::unknown) plan.complete();
    plan.pair_begin_1T = std::move(grouping.pair_begin_1T);
    plan.rows_1N = Indices::uninitialized(context, 1, plan.pairs());
    plan.experts_1N = Indices::uninitialized(context, 1, plan.pairs());
    plan.pairs_1N = Indices::uninitialized(context, 1, plan.pairs());
    Backend::for_each(context, rows,
                      [=, pairs = plan.pairs(), place = grouping.place_ET.data(), begin = plan.pair_begin_1T.data(),
                       rows_1N = plan.rows_1N.data(), experts_1N = plan.experts_1N.data(),
                       pairs_1N = plan.pairs_1N.data()] MOE_ON_DEVICE(Index t) {
                        Index next = begin[t];
                        for (Index e = 0; e < experts; ++e) {
                          if (chosen_TE(t, e) == 0) continue;
                          const Index n = place[e * rows + t];
                          // Plan::complete() throws if the router selected more pairs than expected.
                          if (n >= pairs || next >= pairs) return;
                          rows_1N[n] = t;
                          experts_1N[n] = e;
                          pairs_1N[next++] = n;
                        }
                      });
    return plan;
  }
  /// The pairs (row, expert) with a choice order above 0, sorted by expert, then by row. The host waits for the
  /// number of pairs.
  static Plan<Backend> group_by_expert(const Context& context, View<const ChoiceOrder, Backend> chosen_TE) {
    auto plan = finish_grouping(context, chosen_TE, begin_grouping(context, chosen_TE));
    plan.complete();
    return plan;
  }

  /// x_n = x[r_n] for every pair n of the plan, r_n: its row.
  template <class Value>
  static void gather_rows(const Context& context, In<Value> x_TD, const Plan<Backend>& plan, Out<Value> x_ND) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = gpu::all_aligned<width>(x_TD, x_ND);
    Backend::for_each_row(context, plan.pairs(),
                          [=, rows = plan.rows_1N.data()] MOE_ON_DEVICE(Index n, typename Device::Team team) {
                            const Index t = rows[n];
                            gpu::for_each_vector<width>(team, x_TD.cols, [&](Index at, auto taken) {
                              constexpr int count = decltype(taken)::value;
                              gpu::Numbers<Accum<Value>, count> values;
                              gpu::load<count>(&x_TD(t, at), aligned, values);
                              gpu::store<count>(&x_ND(n, at), aligned, values);
                            });
                          });
  }

  /// y_t = sum of gates_n y_n over row t's pairs, by ascending expert; 0 for a row without pairs.
  template <class Value, class Real = Accum<Value>>
  static void combine_rows(const Context& context, In<Value> y_ND, In<Real> gates_1N, const Plan<Backend>& plan,
                           Out<Value> y_TD) {
    add_pairs<Value>(context, y_ND, gates_1N.data, plan, y_TD);
  }
  /// x_t = sum of x_n over row t's pairs, by ascending expert.
  template <class Value>
  static void sum_rows(const Context& context, In<Value> x_ND, const Plan<Backend>& plan, Out<Value> x_TD) {
    add_pairs<Value>(context, x_ND, static_cast<const Accum<Value>*>(nullptr), plan, x_TD);
  }

  // Public because the CUDA compiler allows device lambdas only in public functions.

  /// y_t = sum of gates_n y_n over row t's pairs, or of y_n if `gates` is null.
  template <class Value, class Real = Accum<Value>>
  static void add_pairs(const Context& context, In<Value> y_ND, const Real* gates, const Plan<Backend>& plan,
                        Out<Value> y_TD) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = gpu::all_aligned<width>(y_ND, y_TD);
    Backend::for_each_row(context, y_TD.rows,
                          [=, begin = plan.pair_begin_1T.data(), pairs = plan.pairs_1N.data()] MOE_ON_DEVICE(
                              Index t, typename Device::Team team) {
                            const Index first = begin[t], last = begin[t + 1];
                            gpu::for_each_vector<width>(team, y_TD.cols, [&](Index at, auto taken) {
                              constexpr int count = decltype(taken)::value;
                              gpu::Numbers<Real, count> sums = {}, y;
                              for (Index i = first; i < last; ++i) {
                                const Index n = pairs[i];
                                const Real gate = gates != nullptr ? gates[n] : Real(1);
                                gpu::load<count>(&y_ND(n, at), aligned, y);
                                for (int c = 0; c < count; ++c) sums[c] += gate * y[c];
                              }
                              gpu::store<count>(&y_TD(t, at), aligned, sums);
                            });
                          });
  }

 private:
  template <class Key>
  static void sort_stably(const Context& context, Matrix<Key, Backend>& keys, Matrix<Index, Backend>& values) {
    thrust::stable_sort_by_key(context.device->policy(), keys.data(), keys.data() + keys.size(), values.data());
  }
  /// Exclusive prefix sum in place.
  static void scan(const Context& context, Matrix<Index, Backend>& values) {
    thrust::exclusive_scan(context.device->policy(), values.data(), values.data() + values.size(), values.data());
  }
};

}  // namespace moe::gpu
