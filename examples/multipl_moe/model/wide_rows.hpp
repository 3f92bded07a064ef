/// Rows of bfloat16 as float: operations widen their inputs, compute in float and round their results once.
#pragma once

#include <algorithm>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "multipl_moe/model/row_types.hpp"

namespace multipl_moe {

/// Calls f(row, memory) for every row below `rows`; `memory` has room for `size` floats and belongs to the thread.
template <class Context, class F>
void for_each_row_with_memory(const Context& context, moe::Index rows, moe::Index size, const F& f) {
  constexpr moe::Index tile = 32;
  moe::cpu::Scratch<float> memory(context, size);
  moe::cpu::parallel(context, (rows + tile - 1) / tile, [&](moe::Index i, moe::Index worker) {
    for (moe::Index r = i * tile; r < std::min((i + 1) * tile, rows); ++r) f(r, memory.of(worker));
  });
}

/// x as float.
template <class B>
moe::Matrix<float, B> widened_rows(const typename B::Context& context, moe::View<const moe::BFloat16, B> x) {
  auto wide = moe::Matrix<float, B>::uninitialized(context, x.rows, x.cols);
  B::for_each(context, x.rows, [&, to = wide.view()](moe::Index r) {
    moe::cpu::narrow_row_kernels().widen(x.cols, x.row(r).data, to.row(r).data);
  });
  return wide;
}
/// x rounded to nearest, ties to even.
template <class B>
moe::Matrix<moe::BFloat16, B> narrowed_rows(const typename B::Context& context, moe::View<const float, B> x) {
  auto narrow = moe::Matrix<moe::BFloat16, B>::uninitialized(context, x.rows, x.cols);
  B::for_each(context, x.rows, [&, to = narrow.view()](moe::Index r) {
    moe::cpu::narrow_row_kernels().narrow(x.cols, x.row(r).data, to.row(r).data);
  });
  return narrow;
}

}  // namespace multipl_moe
