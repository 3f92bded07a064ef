#pragma once

#include <type_traits>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

// The biases of grouped products: group g has rows [offsets[g], offsets[g+1]) and one bias, a matrix of one row.

/// y_n += bias_g for every row n of group g.
template <class Value, Backend B>
void add_group_biases(const typename B::Context& context, std::type_identity_t<ListView<View<const Value, B>>> bias_1F,
                      ListView<Index> offsets, View<Value, B> y_NF) {
  for (Index g = 0; g < bias_1F.size; ++g) {
    const auto y = y_NF.rows_between(offsets[g], offsets[g + 1]);
    B::for_each_cell(context, y.rows, y.cols, [y, bias = bias_1F[g]] MOE_ON_DEVICE(Index n, Index f) {
      y(n, f) = static_cast<Value>(widened(y(n, f)) + widened(bias(0, f)));
    });
  }
}

/// d_bias_g += the sum of gates_n d_y_n over group g's rows, in a fixed order; empty gates count as all 1. An empty
/// d_bias is skipped.
template <class GradientValue, class Value, Backend B>
void add_group_bias_gradients(const typename B::Context& context, View<const Value, B> d_y_NF,
                              std::type_identity_t<View<const Accum<Value>, B>> gates_1N, ListView<Index> offsets,
                              std::type_identity_t<ListView<View<GradientValue, B>>> d_bias_1F) {
  for (Index g = 0; g < d_bias_1F.size; ++g) {
    const Index begin = offsets[g];
    const auto d_y = d_y_NF.rows_between(begin, offsets[g + 1]);
    if (d_y.empty() || d_bias_1F[g].empty()) continue;
    if (gates_1N.empty()) {
      B::template add_column_sums<GradientValue, Value>(context, d_y, d_bias_1F[g]);
      continue;
    }
    auto gated_NF = Matrix<Accum<Value>, B>::uninitialized(context, d_y.rows, d_y.cols);
    B::for_each_cell(context, d_y.rows, d_y.cols,
                     [d_y, begin, gates_1N, gated = gated_NF.view()] MOE_ON_DEVICE(Index n, Index f) {
                       gated(n, f) = gates_1N(0, begin + n) * widened(d_y(n, f));
                     });
    B::template add_column_sums<GradientValue, Accum<Value>>(context, gated_NF, d_bias_1F[g]);
  }
}

/// d_gates_n += <d_y_n, bias_g> for every row n of group g: the bias's term in the gradient of the gate.
template <class Value, Backend B>
void add_group_bias_products(const typename B::Context& context, View<const Value, B> d_y_NF,
                             std::type_identity_t<ListView<View<const Value, B>>> bias_1F, ListView<Index> offsets,
                             std::type_identity_t<View<Accum<Value>, B>> d_gates_1N) {
  for (Index g = 0; g < bias_1F.size; ++g) {
    const Index begin = offsets[g];
    const auto d_y = d_y_NF.rows_between(begin, offsets[g + 1]);
    B::for_each_row(context, d_y.rows,
                    [d_y, begin, d_gates_1N, bias = bias_1F[g]] MOE_ON_DEVICE(Index n, typename B::Team team) {
                      Accum<Value> sum = 0;
                      for (Index f = team.rank(); f < d_y.cols; f += team.size())
                        sum += widened(d_y(n, f)) * widened(bias(0, f));
                      sum = team.sum(sum);
                      if (team.rank() == 0) d_gates_1N(0, begin + n) += sum;
                    });
  }
}

}  // namespace moe
