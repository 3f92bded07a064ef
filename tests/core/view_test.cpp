#include "moe/core/view.hpp"

#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace view_test {

using namespace moe;

namespace {

struct Host {
  static constexpr bool is_host = true;
};
struct Device {
  static constexpr bool is_host = false;
};
using Mutable = View<double, Host>;
using Constant = View<const double, Host>;

/// A matrix type of another library.
template <bool row_major, int inner_stride>
struct Foreign {
  static constexpr bool IsRowMajor = row_major;
  static constexpr int InnerStrideAtCompileTime = inner_stride;
  double* values;
  double* data() { return values; }
  const double* data() const { return values; }
  int rows() const { return 2; }
  int cols() const { return 3; }
  int outerStride() const { return 4; }
};

/// The same, with the PlainObject by which a view recognizes a type that owns its values.
struct Owning : Foreign<true, 1> {
  using PlainObject = Owning;
};
/// An expression: extents without memory.
struct Expression {
  [[maybe_unused]] static constexpr bool IsRowMajor = true;
  int rows() const { return 2; }
  int cols() const { return 3; }
  int outerStride() const { return 3; }
};

/// Whether a View<Value, B> can be made of an M. Explicit construction, implicit conversion and the concept Viewable
/// must agree.
template <class M, class Value, class B = Host>
constexpr bool looks_at = [] {
  constexpr bool constructs = std::is_constructible_v<View<Value, B>, M>;
  static_assert(constructs == std::is_convertible_v<M, View<Value, B>> && constructs == Viewable<M, Value, B>);
  return constructs;
}();

static_assert(std::is_constructible_v<Constant, Mutable>);
static_assert(!std::is_constructible_v<Mutable, Constant>);
static_assert(!std::is_constructible_v<View<const float, Host>, Mutable>);
static_assert(!std::is_constructible_v<View<double, Device>, Mutable>);
static_assert(std::is_constructible_v<Constant, double*, Index, Index>);
static_assert(std::is_constructible_v<Constant, const double*, Index, Index, Index>);
static_assert(!std::is_constructible_v<Mutable, const double*, Index, Index>);
static_assert(!std::is_constructible_v<View<const float, Host>, double*, Index, Index>);
static_assert(!std::is_constructible_v<View<const float, Host>, double*, Index, Index, Index>);

static_assert(looks_at<Foreign<true, 1>&, double> && looks_at<const Foreign<true, 1>&, const double>);
// A temporary that owns nothing.
static_assert(looks_at<Foreign<true, 1>, double>);
static_assert(looks_at<Owning&, double> && looks_at<const Owning&, const double>);
static_assert(!looks_at<Owning, const double> && !looks_at<const Owning, const double>);
static_assert(!looks_at<const Foreign<true, 1>&, double>);
static_assert(!looks_at<Foreign<true, 1>&, const float> && !looks_at<Owning&, const float>);
static_assert(!looks_at<Foreign<true, 1>&, double, Device> && !looks_at<Owning&, double, Device>);
static_assert(!looks_at<Foreign<false, 1>&, const double>);
static_assert(!looks_at<Expression&, const double> && !looks_at<std::vector<double>&, const double>);
// A row of a column-major matrix reports that it is row-major, but its values are not contiguous.
static_assert(!looks_at<Foreign<true, -1>&, const double>);

}  // namespace

TEST_CASE("a view addresses its rows by the stride", "[core]") {
  std::vector<double> values(20);
  for (std::size_t i = 0; i < 20; ++i) values[i] = static_cast<double>(i);
  const Mutable view(values.data(), 4, 3, 5);
  CHECK(view(2, 1) == 11);
  CHECK(view.row(3)[2] == 17);
  CHECK(view.rows_between(1, 3)(1, 0) == 10);
  CHECK(view.rows_between(1, 3).rows == 2);
  CHECK(view.cols_between(1, 3)(2, 0) == 11);
  CHECK(view.cols_between(1, 3).cols == 2);
  CHECK(view.size() == 12);
  CHECK(view.rows_between(2, 2).empty());
  view(0, 0) = -1;
  CHECK(Constant(view)(0, 0) == -1);
  CHECK(Constant(values.data(), 2, 10)(1, 9) == 19);
}

TEST_CASE("columns of an empty matrix keep its data pointer, which may be null", "[core]") {
  const Mutable none(nullptr, 0, 5);
  const Mutable columns = none.cols_between(2, 5);
  CHECK(columns.data == nullptr);
  CHECK(columns.rows == 0);
  CHECK(columns.cols == 3);
}

TEST_CASE("a view of another library's matrix points to its memory", "[core]") {
  std::vector<double> values(8, 1.0);
  Foreign<true, 1> foreign{values.data()};
  const Mutable view = foreign;
  CHECK(view.data == values.data());
  CHECK(view.rows == 2);
  CHECK(view.cols == 3);
  CHECK(view.stride == 4);
}

}  // namespace view_test
