#pragma once

#include <concepts>
#include <type_traits>

#include "moe/core/index.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// Whether the values of a row are contiguous, as far as the type determines it: Eigen treats a row of a column-major
/// matrix as row-major, with a stride between its values.
template <class M>
inline constexpr bool has_contiguous_rows = true;
/// The same for an Eigen type.
template <class M>
requires requires { M::InnerStrideAtCompileTime; }
inline constexpr bool has_contiguous_rows<M> = M::InnerStrideAtCompileTime == 1;

/// A matrix whose values are in memory. Those of an expression such as x + y are not before it is assigned.
template <class M>
concept HasMemory = requires(M& m) {
  m.data();
};

/// A row-major matrix whose rows are contiguous.
template <class M>
concept HasContiguousRows = bool(std::remove_cvref_t<M>::IsRowMajor) && has_contiguous_rows<std::remove_cvref_t<M>>;

/// A matrix with the extents and the stride of its rows: an Eigen matrix, map or block of rows.
template <class M>
concept HasRowsAndStride = requires(M& m) {
  { m.rows() } -> std::convertible_to<Index>;
  { m.cols() } -> std::convertible_to<Index>;
  { m.outerStride() } -> std::convertible_to<Index>;
};

/// A matrix that owns its values and is not a view of another matrix, by Eigen's PlainObject.
template <class M>
concept OwnsItsValues = std::same_as < std::remove_cvref_t<M>,
typename std::remove_cvref_t<M>::PlainObject > ;

/// A matrix whose values outlive the construction of a view: anything but a temporary that owns them.
template <class M>
concept OutlivesItsView = std::is_reference_v<M> || !OwnsItsValues<M>;

/// A matrix whose values have the view's type and are mutable if the view's values are.
template <class M, class Value>
concept HasValuesOf = std::convertible_to<decltype(std::declval<M&>().data()), Value*>;

/// A backend whose memory is read and written by host code.
template <class Backend>
concept BackendOnHost = bool(Backend::is_host);

/// A matrix that converts to View<Value, Backend> without a copy: another library's row-major matrix in host memory.
template <class M, class Value, class Backend>
concept Viewable = BackendOnHost<Backend> && HasMemory<M> && HasValuesOf<M, Value> && HasContiguousRows<M> &&
    HasRowsAndStride<M> && OutlivesItsView<M>;

/// A non-owning view of `rows` x `cols` values in the memory of Backend, row-major, with `stride` values from one row
/// to the next. The memory must outlive the use of the view.
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
  /// Contiguous rows: the stride is `cols_`.
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_) : View(data_, rows_, cols_, cols_) {}
  /// Rows `stride_` values apart.
  MOE_HOST_DEVICE View(Value* data_, Index rows_, Index cols_, Index stride_)
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}

  /// Converts a view of mutable values to a view of constant values.
  template <class Other>
  requires(std::is_const_v<Value>&& std::same_as<Other, std::remove_const_t<Value>>) MOE_HOST_DEVICE
      View(View<Other, Backend> other)
      : View(other.data, other.rows, other.cols, other.stride) {}

  /// Views another library's row-major matrix in host memory, without a copy. If a matrix does not convert, write the
  /// view explicitly, `View<const float, Cpu<>> view(matrix);`: the compiler then names the unmet constraint.
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
    // Without rows `data` may be null, and an offset from a null pointer is undefined.
    return {rows == 0 ? data : data + begin, rows, end - begin, stride};
  }
};

}  // namespace moe
