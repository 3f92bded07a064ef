#pragma once

#include <concepts>
#include <type_traits>

#include "moe/core/index.hpp"
#include "moe/core/misuse.hpp"
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

/// A matrix that would die with the expression it is made in, and leave a view of it dangling.
template <class M>
concept OwningTemporary = !std::is_reference_v<M> && requires {
  typename M::PlainObject;
}
&&std::same_as<std::remove_cv_t<M>, typename M::PlainObject>;

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

/// What View<Value, Backend> looks at without a copy. Ask this, not std::is_constructible: a view also takes what is
/// not viewable, to say in one sentence why.
template <class M, class Value, class Backend>
concept Viewable = Backend::is_host && RowMajorDense<M> && !OwningTemporary<M> &&
                   std::convertible_to<decltype(std::declval<M&>().data()), Value*>;

namespace detail {

template <class M>
concept EigenObject = requires {
  typename std::remove_cvref_t<M>::PlainObject;
};

/// A matrix of ours with other values, or in other memory, than the view is of.
template <class M, class Value, class Backend>
concept OtherMatrix = requires(M& m) {
  typename std::remove_cvref_t<M>::Value;
  typename std::remove_cvref_t<M>::Backend;
  m.view();
  requires !(std::same_as<typename std::remove_cvref_t<M>::Value, std::remove_const_t<Value>> &&
             std::same_as<typename std::remove_cvref_t<M>::Backend, Backend>);
};

}  // namespace detail

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

  /// Other people's row-major matrices in host memory, without a copy.
  template <class M>
  requires Viewable<M, Value, Backend> View(M&& m)
      : View(m.data(), m.rows(), m.cols(), m.rows() > 1 ? m.outerStride() : m.cols()) {}

  // What these take is a mistake, which the first sentence that does not hold names.
  template <class M>
  requires(detail::EigenObject<M> && !Viewable<M, Value, Backend>) View(M&&) {
    static_assert(Backend::is_host, "View: an Eigen matrix lies in host memory, the view is of another backend's");
    static_assert(
        requires(M & m) { m.data(); },
        "View: an Eigen expression has no memory to look at; assign it to a row-major matrix that outlives the view");
    static_assert(!OwningTemporary<M>,
                  "View: a temporary matrix dies before its view does; give it a name that outlives the view");
    static_assert(bool(std::remove_cvref_t<M>::IsRowMajor),
                  "View: the matrix is column-major; the library reads rows, so use Eigen::RowMajor");
    static_assert(has_contiguous_rows<std::remove_cvref_t<M>>, "View: the values of a row must lie side by side");
    static_assert(Viewable<M, Value, Backend>,
                  "View: the matrix's values have another type than the view's, or are const where they are written");
  }
  template <class M>
  requires detail::OtherMatrix<M, Value, Backend> View(M&&) {
    static_assert(std::same_as<typename std::remove_cvref_t<M>::Backend, Backend>,
                  "View: the matrix lies in the memory of another backend");
    static_assert(detail::never<M>, "View: the matrix's values have another type than the view's");
  }
  template <class Other>
  requires(!std::convertible_to<Other*, Value*>) View(Other*, Index, Index, Index = 0) {
    static_assert(detail::never<Other>, "View: the pointer is to values of another type than the view's");
  }

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
