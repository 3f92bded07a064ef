#pragma once

#include "moe/backend/cpu/packed_weights.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// The weights of every non-empty group, with their packed copies where these exist.
template <class Real, class Backend>
class RhsList {
 public:
  /// Looks up each weight in the packed weights of the context, if it has any.
  template <class Context>
  RhsList(const Context& context, ListView<View<const Real, Backend>> weights, ListView<Index> offsets)
      : weights_(weights), packed_(context, context.packed ? weights.size : 0) {
    if (context.packed)
      for (Index g = 0; g < weights.size; ++g)
        packed_.data()[g] = offsets[g] < offsets[g + 1] ? context.packed->find(weights[g]) : Panels<Real>{};
  }
  /// The weights of group g.
  Rhs<Real, Backend> operator[](Index g) const {
    return {weights_[g], packed_.data() == nullptr ? Panels<Real>{} : packed_.data()[g]};
  }

 private:
  ListView<View<const Real, Backend>> weights_;
  Buffer<Panels<Real>> packed_;
};

/// Throws Error if a weight has rows in other memory (PackedWeights::add_rows): a backward reads the layer's own
/// values.
template <class Context, class Real, class Backend>
void require_values(const char* operation, const Context& context, ListView<View<const Real, Backend>> weights) {
  if (!context.packed) return;
  for (Index g = 0; g < weights.size; ++g)
    require(context.packed->rows_of(weights[g]) == nullptr, operation, "a weight of ", weights[g].rows, " x ",
            weights[g].cols, " stays in its file and has no backward; load the layer to train it");
}

/// Rows [row, rows_end) and columns [col, cols_end) of y.
template <class Real, class Backend>
View<Real, Backend> tile(View<Real, Backend> y, Index row, Index rows_end, Index col, Index cols_end) {
  return y.rows_between(row, rows_end).cols_between(col, cols_end);
}
/// Calls f for tiles that cover y, with the tile size of the left operand type L.
template <class L, class Context, class Real, class Backend, class F>
void for_each_tile(const Context& context, ListView<Index> offsets, View<Real, Backend> y, const F& f) {
  for_each_tile(context, offsets, L::rows_step, y.cols, &L::cols_step, f);
}

}  // namespace moe::cpu
