#pragma once

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/score_order.hpp"

namespace moe::cpu {

/// The operations of RoutingBackend: they select rows by experts, drop the overflow, sort the pairs (row, expert),
/// dispatch and combine.
template <class Backend>
class RoutingOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using In = cpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// For each expert, choice orders 1 to `take` for the rows with the highest scores, 0 for the others. Ties go to the
  /// lower row; NaN comes last. boundary_1E as in backend/contract/routing.hpp.
  template <class Real>
  static void top_rows(const Context& context, In<Real> scores_RE, Index take, View<ChoiceOrder, Backend> chosen_RE,
                       Out<Real> boundary_1E) {
    const Index rows = scores_RE.rows;
    cpu::Buffer<Index> orders(context, rows * scores_RE.cols);
    cpu::parallel(context, scores_RE.cols, [&, all = orders.data()](Index e) {
      Index* order = all + e * rows;
      std::iota(order, order + rows, Index{0});
      // A strict order for any scores: NaN comes after every number, and ties are ordered by row index.
      std::sort(order, order + rows, [&](Index a, Index b) {
        const auto x = descending_bits(scores_RE(a, e)), y = descending_bits(scores_RE(b, e));
        return x != y ? x < y : a < b;
      });
      for (Index place = 0; place < rows; ++place)
        chosen_RE(order[place], e) = place < take ? static_cast<ChoiceOrder>(place + 1) : 0;
      const Real last = take > 0 ? scores_RE(order[take - 1], e) : Real(2);
      const Real next = take == 0 || take == rows ? Real(0) : scores_RE(order[take], e);
      boundary_1E(0, e) = (last + next) / 2;
    });
  }

  /// For each expert, keeps at most `take` pairs and sets the choice order of the overflow to 0. Lower choice orders
  /// are kept first, then lower rows. dropped_1E counts the dropped pairs.
  static void drop_overflow(const Context& context, Index take, View<ChoiceOrder, Backend> chosen_RE,
                            View<Index, Backend> dropped_1E) {
    cpu::parallel(context, chosen_RE.cols, [&](Index e) {
      Index wanted = 0;
      ChoiceOrder last = 0;
      for (Index r = 0; r < chosen_RE.rows; ++r)
        if (chosen_RE(r, e) != 0) ++wanted, last = (std::max)(last, chosen_RE(r, e));
      dropped_1E(0, e) = (std::max)(Index{0}, wanted - take);
      if (wanted <= take) return;
      Index room = take;
      for (ChoiceOrder rank = 1; rank <= last; ++rank)
        for (Index r = 0; r < chosen_RE.rows; ++r)
          if (chosen_RE(r, e) == rank && --room < 0) chosen_RE(r, e) = 0;
    });
  }

  /// The pairs (row, expert) with a choice order above 0, sorted by expert, then by row.
  static Plan<Backend> group_by_expert(const Context& context, View<const ChoiceOrder, Backend> chosen_TE) {
    Plan<Backend> plan;
    plan.offsets.assign(static_cast<std::size_t>(chosen_TE.cols) + 1, 0);
    plan.pair_begin_1T = Matrix<Index, Backend>::uninitialized(context, 1, chosen_TE.rows + 1);
    Index* pair_begin = plan.pair_begin_1T.data();
    pair_begin[0] = 0;
    for (Index t = 0; t < chosen_TE.rows; ++t) {
      pair_begin[t + 1] = pair_begin[t];
      for (Index e = 0; e < chosen_TE.cols; ++e)
        if (chosen_TE(t, e) != 0) ++pair_begin[t + 1], ++plan.offsets[static_cast<std::size_t>(e) + 1];
    }
    std::partial_sum(plan.offsets.begin(), plan.offsets.end(), plan.offsets.begin());
    plan.rows_1N = Matrix<Index, Backend>::uninitialized(context, 1, plan.pairs());
    plan.experts_1N = Matrix<Index, Backend>::uninitialized(context, 1, plan.pairs());
    plan.pairs_1N = Matrix<Index, Backend>::uninitialized(context, 1, plan.pairs());
    cpu::Buffer<Index> next_E(context, chosen_TE.cols);
    Index* next = next_E.data();
    std::copy_n(plan.offsets.begin(), chosen_TE.cols, next);
    Index pair_of_row = 0;
    for (Index t = 0; t < chosen_TE.rows; ++t)
      for (Index e = 0; e < chosen_TE.cols; ++e)
        if (chosen_TE(t, e) != 0) {
          const Index n = next[e]++;
          plan.rows_1N.data()[n] = t;
          plan.experts_1N.data()[n] = e;
          plan.pairs_1N.data()[pair_of_row++] = n;
        }
    return plan;
  }

  /// Empty: on the CPU finish_grouping does all the work.
  struct Grouping {};
  /// The first step of group_by_expert. Does nothing on the CPU.
  static Grouping begin_grouping(const Context&, View<const ChoiceOrder, Backend>, const ExpectedCounts& = {}) {
    return {};
  }
  /// The second step of group_by_expert: the plan.
  static Plan<Backend> finish_grouping(const Context& context, View<const ChoiceOrder, Backend> chosen_TE, Grouping) {
    return group_by_expert(context, chosen_TE);
  }

  /// x_n = x[r_n] for every pair n of the plan, r_n: its row.
  template <class Value>
  static void gather_rows(const Context& context, In<Value> x_TD, const Plan<Backend>& plan, Out<Value> x_ND) {
    Backend::for_each(context, plan.pairs(), [&, rows = plan.rows_1N.data()](Index n) {
      std::copy_n(x_TD.row(rows[n]).data, x_TD.cols, x_ND.row(n).data);
    });
  }

  /// y_t = sum of gates_n y_n over row t's pairs, by ascending expert; 0 for a row without pairs.
  template <class Value, class Real = Accum<Value>>
  static void combine_rows(const Context& context, In<Value> y_ND, In<Real> gates_1N, const Plan<Backend>& plan,
                           Out<Value> y_TD) {
    add_pairs<Value>(context, y_ND, plan, y_TD, [gates = gates_1N.data](Index n) { return gates[n]; });
  }
  /// x_t = sum of x_n over row t's pairs, by ascending expert.
  template <class Value>
  static void sum_rows(const Context& context, In<Value> x_ND, const Plan<Backend>& plan, Out<Value> x_TD) {
    add_pairs<Value>(context, x_ND, plan, x_TD, [](Index) { return Accum<Value>(1); });
  }

 private:
  template <class Value, class Gate>
  static void add_pairs(const Context& context, View<const Value, Backend> y_ND, const Plan<Backend>& plan,
                        Out<Value> y_TD, const Gate& gate) {
    const Index *begin = plan.pair_begin_1T.data(), *pairs = plan.pairs_1N.data();
    if constexpr (std::is_same_v<Value, BFloat16>) {
      const auto& rows = cpu::narrow_row_kernels();
      cpu::Scratch<float> sums(context, y_TD.cols);
      constexpr Index tile = 32;
      cpu::parallel(context, (y_TD.rows + tile - 1) / tile, [&](Index i, Index worker) {
        float* const sum = sums.of(worker);
        for (Index t = i * tile; t < (std::min)((i + 1) * tile, y_TD.rows); ++t) {
          std::fill_n(sum, y_TD.cols, 0.0f);
          for (Index n = begin[t]; n < begin[t + 1]; ++n)
            rows.add_scaled(y_TD.cols, gate(pairs[n]), y_ND.row(pairs[n]).data, sum);
          rows.narrow(y_TD.cols, sum, y_TD.row(t).data);
        }
      });
    } else {
      const auto& rows = cpu::row_kernels<Value>();
      Backend::for_each(context, y_TD.rows, [&](Index t) {
        const auto y = y_TD.row(t);
        if (begin[t] == begin[t + 1]) std::fill(y.begin(), y.end(), Value(0));
        for (Index i = begin[t]; i < begin[t + 1]; ++i) {
          const Value* const from = y_ND.row(pairs[i]).data;
          (i == begin[t] ? rows.scale : rows.add_scaled)(y.size, gate(pairs[i]), from, y.data);
        }
      });
    }
  }
};

}  // namespace moe::cpu
