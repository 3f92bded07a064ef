#pragma once

#include <algorithm>

#include "moe/core/index.hpp"
#include "moe/core/product.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// c = op(a) op(b), or c += where it `adds`, as cuBLAS counts: matrices column by column, `lda` values from one column
/// to the next.
template <class In, class Out>
struct Gemm {
  /// Whether op(a), op(b) are the transposed.
  bool transpose_a, transpose_b;
  /// c is m x n, sums run over k.
  Index m, n, k;
  /// The left operand.
  const In* a;
  /// Values from one column of it to the next.
  Index lda;
  /// The right operand.
  const In* b;
  /// Values from one column of it to the next.
  Index ldb;
  /// The result.
  Out* c;
  /// Values from one column of it to the next.
  Index ldc;
  /// Whether c is added to.
  bool adds;

  /// Whether the other differs in nothing but where its matrices are.
  bool has_shape_of(const Gemm& other) const {
    return transpose_a == other.transpose_a && transpose_b == other.transpose_b && m == other.m && n == other.n &&
           k == other.k && lda == other.lda && ldb == other.ldb && ldc == other.ldc && adds == other.adds;
  }
};

/// A product of row-major matrices as cuBLAS counts: c^T = op(b)^T op(a)^T.
template <Product product, class In, class Out, class B>
Gemm<In, Out> gemm_of(View<const In, B> a, View<const In, B> b, View<Out, B> c, bool adds) {
  // cuBLAS refuses columns of no length, even where there is nothing to read.
  const auto length = [](Index stride) { return std::max<Index>(1, stride); };
  return {.transpose_a = product == Product::right_transposed,
          .transpose_b = product == Product::left_transposed,
          .m = c.cols,
          .n = c.rows,
          .k = product == Product::left_transposed ? a.rows : a.cols,
          .a = b.data,
          .lda = length(b.stride),
          .b = a.data,
          .ldb = length(a.stride),
          .c = c.data,
          .ldc = length(c.stride),
          .adds = adds};
}

}  // namespace moe::gpu
