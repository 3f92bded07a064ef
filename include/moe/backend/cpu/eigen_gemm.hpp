#pragma once

#ifndef EIGEN_MPL2_ONLY
#define EIGEN_MPL2_ONLY
#endif
#include <Eigen/Core>
#include <type_traits>

#include "moe/backend/cpu/product.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace cpu {

/// A row-major Eigen matrix, as in the library.
template <class Value>
using EigenMatrix = Eigen::Matrix<std::remove_const_t<Value>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// An Eigen map of row-major host memory with the row stride of a view.
template <class Value>
using EigenMap = Eigen::Map<std::conditional_t<std::is_const_v<Value>, const EigenMatrix<Value>, EigenMatrix<Value>>,
                            Eigen::Unaligned, Eigen::OuterStride<>>;

}  // namespace cpu

/// A view in host memory as an Eigen map, without a copy.
template <class Value, class Backend>
requires(Backend::is_host) cpu::EigenMap<Value> as_eigen(View<Value, Backend> view) {
  return cpu::EigenMap<Value>(view.data, view.rows, view.cols, Eigen::OuterStride<>(view.stride));
}

/// A moe::Matrix as an Eigen map, valid as long as the matrix is.
template <class Value, class Backend>
auto as_eigen(Matrix<Value, Backend>& matrix) {
  return as_eigen(matrix.view());
}
/// A constant moe::Matrix as an Eigen map, valid as long as the matrix is.
template <class Value, class Backend>
auto as_eigen(const Matrix<Value, Backend>& matrix) {
  return as_eigen(matrix.view());
}

/// Matrix product by Eigen on the calling thread. Eigen's public product would start its own threads and choose its
/// blocking, and therefore its rounding, by their number. The internal kernel is called instead, with the blocking for
/// one thread.
struct EigenGemm {
  /// c += op(a) op(b), all row-major.
  template <Product product, class Real, class Backend>
  static void add(View<const Real, Backend> a, View<const Real, Backend> b, View<Real, Backend> c) {
    const Index depth = product == Product::left_transposed ? a.rows : a.cols;
    if (c.empty() || depth == 0) return;
    if (c.rows == 1 || c.cols == 1) return add_vector<product>(a, b, c);
    constexpr int left = product == Product::left_transposed ? Eigen::ColMajor : Eigen::RowMajor;
    constexpr int right = product == Product::right_transposed ? Eigen::ColMajor : Eigen::RowMajor;
    Eigen::internal::gemm_blocking_space<Eigen::RowMajor, Real, Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::Dynamic>
        blocking(c.rows, c.cols, depth, 1, true);
    Eigen::internal::general_matrix_matrix_product<Eigen::Index, Real, left, false, Real, right, false, Eigen::RowMajor,
                                                   1>::run(c.rows, c.cols, depth, a.data, a.stride, b.data, b.stride,
                                                           c.data, 1, c.stride, Real(1), blocking, nullptr);
  }

 private:
  template <Product product, class Real, class Backend>
  static void add_vector(View<const Real, Backend> a, View<const Real, Backend> b, View<Real, Backend> c) {
    auto result = as_eigen(c);
    const auto left = as_eigen(a), right = as_eigen(b);
    const auto assign = [&](const auto& l, const auto& r) {
      if (c.rows == 1)
        result.row(0).noalias() += l.row(0) * r;
      else
        result.col(0).noalias() += l * r.col(0);
    };
    if constexpr (product == Product::plain)
      assign(left, right);
    else if constexpr (product == Product::left_transposed)
      assign(left.transpose(), right);
    else
      assign(left, right.transpose());
  }
};

}  // namespace moe
