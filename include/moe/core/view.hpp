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
/// The same for an Eigen type.
template <class M>
requires requires { M::InnerStrideAtCompileTime; }
inline constexpr bool has_contiguous_rows<M> = M::InnerStrideAtCompileTime == 1;

/// A matrix whose values lie in memory. An expression such as x + y has none before it is assigned.
template <class M>
concept HasMemory = requires(M& m) {
  m.data();
};

/// Rows one after the other, each with its values side by side.
template <class M>
concept HasContiguousRows = bool(std::remove_cvref_t<M>::IsRowMajor) && has_contiguous_rows<std::remove_cvref_t<M>>;

/// A matrix that says where its rows are: an Eigen matrix, map or block of rows.
template <class M>
concept HasRowsAndStride = requires(M& m) {
  { m.rows() } -> std::convertible_to<Index>;
  { m.cols() } -> std::convertible_to<Index>;
  { m.outerStride() } -> std::convertible_to<Index>;
};

/// A matrix that is no look at another one, as Eigen tells them apart.
template <class M>
concept OwnsItsValues = std::same_as < std::remove_cvref_t<M>,
typename std::remove_cvref_t<M>::PlainObject > ;

/// A matrix whose values live on after a view of them is made, other than those that a temporary owns.
template <class M>
concept OutlivesItsView = std::is_reference_v<M> || !OwnsItsValues<M>;

/// A matrix whose values are of the view's type, and not const where the view's are not.
template <class M, class Value>
concept HasValuesOf = std::convertible_to<decltype(std::declval<M&>().data()), Value*>;

/// A backend whose memory the host's code reads and writes.
template <class Backend>
concept BackendOnHost = bool(Backend::is_host);

/// What View<Value, Backend> looks at without a copy: another library's row-major matrix in host memory.
template <class M, class Value, class Backend>
concept Viewable = BackendOnHost<Backend> && HasMemory<M> && HasValuesOf<M, Value> && HasContiguousRows<M> &&
    HasRowsAndStride<M> && OutlivesItsView<M>;

/// `rows` x `cols` values in the memory of Backend, row-major, `stride` values from one row to the next. Owns nothing:
/// whoever made the memory keeps it alive as long as the view is used.
template <class Value, class Backend>
struct View {
  /// The value in row 0 and column 0.
  Value* data = nullptr;
  /// Number of rows.
  Index rows = 0;
  /// Number of columns.
  Index cols = 0;
  /// Values from one row to the next.
  Index stride = 0;

  View() = default;
  /// Rows without gaps.
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_) : View(data_, rows_, cols_, cols_) {}
  /// Rows `stride_` values apart.
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_, Index stride_)
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}

  /// A view of mutable values reads as a view of constant ones.
  template <class Other>
  requires(std::is_const_v<Value>&& std::same_as<Other, std::remove_const_t<Value>>) MOE_HOST_DEVICE
      View(View<Other, Backend> other)
      : View(other.data, other.rows, other.cols, other.stride) {}

  /// Other people's row-major matrices in host memory, without a copy. Where one is not taken, a view that is written
  /// out, `View<const float, Cpu<>> view(matrix);`, has the compiler name the constraint.
  template <class M>
  requires Viewable<M, Value, Backend> View(M&& m)
      : View(m.data(), m.rows(), m.cols(), m.rows() > 1 ? m.outerStride() : m.cols()) {}

  MOE_HOST_DEVICE Index size() const { return rows * cols; }
  MOE_HOST_DEVICE bool empty() const { return size() == 0; }
  /// The value in that row and column, unchecked.
  MOE_HOST_DEVICE Value& operator()(Index row, Index col) const { return data[row * stride + col]; }
  /// Row i, unchecked.
  MOE_HOST_DEVICE Row<Value> row(Index i) const { return {data + i * stride, cols}; }

  /// Rows [begin, end).
  MOE_HOST_DEVICE View rows_between(Index begin, Index end) const {
    return {data + begin * stride, end - begin, cols, stride};
  }
  /// Columns [begin, end).
  MOE_HOST_DEVICE View cols_between(Index begin, Index end) const {
    // Of no rows there may be no memory, and from a null pointer nothing leads on.
    return {rows == 0 ? data : data + begin, rows, end - begin, stride};
  }
};

}  // namespace moe
