#pragma once

#include <cstdint>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/core/product.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// c = op(a) op(b), or c += where it `adds`, `batch` times: a, b and c of the next one stand `stride` values further
/// on. Written as cuBLAS counts: matrices column by column, `lda` values from one column to the next.
template <class In, class Out>
struct Gemm {
  bool transpose_a, transpose_b;
  Index m, n, k;
  const In* a;
  Index lda, stride_a;
  const In* b;
  Index ldb, stride_b;
  Out* c;
  Index ldc, stride_c;
  bool adds;
  Index batch;
};

/// A product of row-major matrices as cuBLAS counts: c^T = op(b)^T op(a)^T.
template <Product product, class In, class Out, class B>
Gemm<In, Out> gemm_of(View<const In, B> a, View<const In, B> b, View<Out, B> c, bool adds) {
  return {.transpose_a = product == Product::right_transposed,
          .transpose_b = product == Product::left_transposed,
          .m = c.cols,
          .n = c.rows,
          .k = product == Product::left_transposed ? a.rows : a.cols,
          .a = b.data,
          .lda = b.stride,
          .stride_a = 0,
          .b = a.data,
          .ldb = a.stride,
          .stride_b = 0,
          .c = c.data,
          .ldc = c.stride,
          .stride_c = 0,
          .adds = adds,
          .batch = 1};
}

/// Takes `next` into `all` where it is one more of the same batch: equal shapes, and each of its matrices as far from
/// the last one's as those stand from each other.
template <class In, class Out>
bool joins_batch(Gemm<In, Out>& all, const Gemm<In, Out>& next) {
  if (all.transpose_a != next.transpose_a || all.transpose_b != next.transpose_b || all.m != next.m ||
      all.n != next.n || all.k != next.k || all.lda != next.lda || all.ldb != next.ldb || all.ldc != next.ldc ||
      all.adds != next.adds)
    return false;
  // As numbers: the matrices may come from different blocks of memory.
  const auto step = [&](const auto* first, const auto* now, Index stride, Index& found) {
    const auto bytes = reinterpret_cast<std::intptr_t>(now) - reinterpret_cast<std::intptr_t>(first);
    const auto whole = static_cast<std::intptr_t>(sizeof(*first)) * all.batch;
    found = static_cast<Index>(bytes / whole);
    return bytes >= 0 && bytes % whole == 0 && (all.batch == 1 || found == stride);
  };
  Index stride_a = 0, stride_b = 0, stride_c = 0;
  if (!step(all.a, next.a, all.stride_a, stride_a) || !step(all.b, next.b, all.stride_b, stride_b) ||
      !step(all.c, next.c, all.stride_c, stride_c))
    return false;
  all.stride_a = stride_a;
  all.stride_b = stride_b;
  all.stride_c = stride_c;
  ++all.batch;
  return true;
}

}  // namespace moe::gpu
