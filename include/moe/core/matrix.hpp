#pragma once

#include <concepts>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// An owned matrix of `rows` x `cols` values in the memory of Backend, row-major and contiguous. Moving is free and
/// keeps the address; `.copy()` makes a copy. An empty matrix in a gradient tree means that the weight does not train.
template <class Value_, class Backend_>
class Matrix {
 public:
  using Value = Value_;
  using Backend = Backend_;
  /// Number of dimensions of the tensor in a checkpoint.
  static constexpr int rank = 2;

  Matrix() = default;
  /// All zero. Throws Error if an extent is negative or the number of elements does not fit into an Index,
  /// std::bad_alloc if there is not enough memory.
  Matrix(Index rows, Index cols) : Matrix(checked(rows, cols)) {}

  /// Uninitialized values, from the context's pool: for a result that is then written in full.
  static Matrix uninitialized(const typename Backend::Context& context, Index rows, Index cols) {
    const Extent extent = checked(rows, cols);
    return Matrix(extent, typename Backend::template Buffer<Value>(context, extent.rows * extent.cols));
  }
  /// All zero, from the context's pool.
  static Matrix zeros(const typename Backend::Context& context, Index rows, Index cols) {
    Matrix result = uninitialized(context, rows, cols);
    result.buffer_.fill_zero();
    return result;
  }
  /// A matrix of values that belong to `owner`, row-major and contiguous, such as those of another library. `owner`
  /// lives at least as long as the matrix. For backends whose Buffer takes foreign memory (Cpu). Throws Error as above.
  static Matrix of_owner(Value* data, Index rows, Index cols, std::shared_ptr<const void> owner) requires
      std::constructible_from<typename Backend::template Buffer<Value>, Value*, Index, std::shared_ptr<const void>> {
    const Extent extent = checked(rows, cols);
    return Matrix(extent, {data, extent.rows * extent.cols, std::move(owner)});
  }

  /// Takes over the memory, at the same address, and leaves the other matrix empty.
  Matrix(Matrix&& other) noexcept { swap(other); }
  /// Frees its own memory and takes the other's.
  Matrix& operator=(Matrix&& other) noexcept {
    Matrix taken(std::move(other));
    swap(taken);
    return *this;
  }
  Matrix(const Matrix&) = delete;  // use .copy() to copy, std::move(matrix) to move
  Matrix& operator=(const Matrix&) = delete;
  ~Matrix() = default;

  Matrix copy() const { return Matrix(Extent{rows_, cols_}, buffer_.copy()); }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index size() const { return rows_ * cols_; }
  bool empty() const { return size() == 0; }
  Value* data() { return buffer_.data(); }
  const Value* data() const { return buffer_.data(); }
  void fill_zero() { buffer_.fill_zero(); }

  View<Value, Backend> view() { return {data(), rows_, cols_}; }
  View<const Value, Backend> view() const { return const_view(); }
  /// A view of constant values also of a mutable matrix, like cbegin() for begin().
  View<const Value, Backend> const_view() const { return {data(), rows_, cols_}; }
  /// Converts implicitly to a view.
  operator View<Value, Backend>() { return view(); }
  /// Converts implicitly to a view of constant values.
  operator View<const Value, Backend>() const { return const_view(); }

 private:
  struct Extent {
    Index rows, cols;
  };
  static Extent checked(Index rows, Index cols) {
    require(rows >= 0 && cols >= 0, "Matrix", "extents must not be negative, got ", rows, " x ", cols);
    require(cols == 0 || rows <= (std::numeric_limits<Index>::max)() / cols, "Matrix",
            "the number of elements must fit into an Index, got ", rows, " x ", cols);
    return {rows, cols};
  }
  // Takes an extent that is already checked: as two arguments of one call, the allocation could precede the check.
  explicit Matrix(Extent extent) : Matrix(extent, zeroed(extent.rows * extent.cols)) {}
  Matrix(Extent extent, typename Backend::template Buffer<Value> buffer)
      : rows_(extent.rows), cols_(extent.cols), buffer_(std::move(buffer)) {}
  static typename Backend::template Buffer<Value> zeroed(Index count) {
    using Buffer = typename Backend::template Buffer<Value>;
    if constexpr (requires { Buffer::zeroed(count); }) {
      return Buffer::zeroed(count);
    } else {
      Buffer buffer(count);
      buffer.fill_zero();
      return buffer;
    }
  }
  void swap(Matrix& other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(cols_, other.cols_);
    std::swap(buffer_, other.buffer_);
  }

  Index rows_ = 0;
  Index cols_ = 0;
  typename Backend::template Buffer<Value> buffer_;
};

/// A matrix of one row that a checkpoint stores with one dimension: a bias, a norm's weight, a learned vector.
template <class Value, class Backend>
class Vector : public Matrix<Value, Backend> {
 public:
  /// One dimension in a checkpoint.
  static constexpr int rank = 1;

  Vector() = default;
  /// All zero. Throws Error if the size is negative, std::bad_alloc if there is not enough memory.
  explicit Vector(Index size) : Matrix<Value, Backend>(1, size) {}
  Vector copy() const { return Vector(Matrix<Value, Backend>::copy()); }

 private:
  explicit Vector(Matrix<Value, Backend> values) : Matrix<Value, Backend>(std::move(values)) {}
};

}  // namespace moe
