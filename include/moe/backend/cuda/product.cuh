#pragma once

#include <algorithm>

#include "moe/core/index.hpp"
#include "moe/core/product.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// c = op(a) op(b), or c += op(a) op(b) if `adds`, in the convention of cuBLAS: column-major matrices with leading
/// dimensions in values.
template <class In, class Out>
struct Gemm {
  /// Whether op(a), op(b) are transposed.
  bool transpose_a, transpose_b;
  /// c is m x n; sums run over k.
  Index m, n, k;
  /// The left operand.
  const In* a;
  /// Leading dimension of a.
  Index lda;
  /// The right operand.
  const In* b;
  /// Leading dimension of b.
  Index ldb;
  /// The result.
  Out* c;
  /// Leading dimension of c.
  Index ldc;
  /// Whether the product is added to c.
  bool adds;

  /// Whether the products differ at most in the addresses of their matrices.
  bool has_shape_of(const Gemm& other) const {
    return transpose_a == other.transpose_a && transpose_b == other.transpose_b && m == other.m && n == other.n &&
           k == other.k && lda == other.lda && ldb == other.ldb && ldc == other.ldc && adds == other.adds;
  }
};

/// A product of row-major matrices in the column-major convention of cuBLAS: c^T = op(b)^T op(a)^T.
template <Product product, class In, class Out, class B>
Gemm<In, Out> gemm_of(View<const In, B> a, View<const In, B> b, View<Out, B> c, bool adds) {
  // cuBLAS rejects a leading dimension of 0, even for empty matrices.
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
