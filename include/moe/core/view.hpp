#pragma once

#include <concepts>
#include <type_traits>

#include "moe/core/index.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// Whether a row's values lie side by side, as far as the type can promise it: a row of a column-major matrix is
/// row-major in Eigen's eyes, with a gap between its values.
template <class M>
inline constexpr bool has_contiguous_rows = true;
template <class M>
requires requires { M::InnerStrideAtCompileTime; }
inline constexpr bool has_contiguous_rows<M> = M::InnerStrideAtCompileTime == 1;

/// A matrix that would die with the expression it is made in, and leave a view of it dangling.
template <class M>
concept OwningTemporary = !std::is_reference_v<M> && requires { typename M::PlainObject; } &&
                          std::same_as<std::remove_cv_t<M>, typename M::PlainObject>;

/// Anything row-major that says `data()`, `rows()`, `cols()` and `outerStride()`: an Eigen matrix, map or block of
/// rows.
template <class M>
concept RowMajorDense = requires(M& m) {
  requires bool(std::remove_cvref_t<M>::IsRowMajor);
  requires has_contiguous_rows<std::remove_cvref_t<M>>;
  m.data();
  { m.rows() } -> std::convertible_to<Index>;
  { m.cols() } -> std::convertible_to<Index>;
  { m.outerStride() } -> std::convertible_to<Index>;
};

/// `rows` x `cols` values in the memory of Backend, row-major, `stride` values from one row to the next. Owns nothing:
/// whoever made the memory keeps it alive as long as the view is used.
template <class Value, class Backend>
struct View {
  Value* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;

  View() = default;
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_) : View(data_, rows_, cols_, cols_) {}
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_, Index stride_)
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}

  /// A view of mutable values reads as a view of constant ones.
  template <class Other>
  requires(std::is_const_v<Value>&& std::same_as<Other, std::remove_const_t<Value>>) MOE_HOST_DEVICE
      View(View<Other, Backend> other)
      : View(other.data, other.rows, other.cols, other.stride) {}

  /// Other people's row-major matrices in host memory, without a copy.
  template <RowMajorDense M>
  requires(Backend::is_host && !OwningTemporary<M> &&
           std::convertible_to<decltype(std::declval<M&>().data()), Value*>) View(M&& m)
      : View(m.data(), m.rows(), m.cols(), m.rows() > 1 ? m.outerStride() : m.cols()) {}

  MOE_HOST_DEVICE Index size() const { return rows * cols; }
  MOE_HOST_DEVICE bool empty() const { return size() == 0; }
  MOE_HOST_DEVICE Value& operator()(Index row, Index col) const { return data[row * stride + col]; }
  MOE_HOST_DEVICE Row<Value> row(Index i) const { return {data + i * stride, cols}; }

  /// Rows [begin, end).
  MOE_HOST_DEVICE View rows_between(Index begin, Index end) const {
    return {data + begin * stride, end - begin, cols, stride};
  }
  /// Columns [begin, end).
  MOE_HOST_DEVICE View cols_between(Index begin, Index end) const { return {data + begin, rows, end - begin, stride}; }
};

}  // namespace moe
