#include "moe/core/matrix.hpp"

#include <memory>
#include <type_traits>

#include "moe/backend/cpu/pool.hpp"
#include "support/catch.hpp"

namespace matrix_test {

using namespace moe;

namespace {

/// A backend with host memory and no operations.
struct Host {
  [[maybe_unused]] static constexpr bool is_host = true;
  template <class Value>
  using Buffer = cpu::Buffer<Value>;
  struct Context {
    std::shared_ptr<cpu::Pool> pool = std::make_shared<cpu::Pool>();
  };
};
using HostMatrix = Matrix<double, Host>;

/// Memory that is not the host's.
struct Device : Host {
  static constexpr bool is_host = false;
};

static_assert(!std::is_copy_constructible_v<HostMatrix> && !std::is_copy_assignable_v<HostMatrix>);
static_assert(!std::is_constructible_v<HostMatrix, HostMatrix&> && !std::is_convertible_v<HostMatrix&, HostMatrix>);
static_assert(!std::is_constructible_v<Vector<double, Host>, Vector<double, Host>&>);
static_assert(std::is_nothrow_move_constructible_v<HostMatrix> && std::is_nothrow_move_assignable_v<HostMatrix>);
static_assert(!std::is_copy_constructible_v<Vector<double, Host>>);
static_assert(std::is_convertible_v<HostMatrix&, View<double, Host>> &&
              std::is_convertible_v<HostMatrix&, View<const double, Host>> &&
              std::is_convertible_v<const HostMatrix&, View<const double, Host>>);
static_assert(!std::is_constructible_v<View<double, Host>, const HostMatrix&>);
static_assert(!std::is_constructible_v<View<float, Host>, HostMatrix&> &&
              !std::is_constructible_v<View<const float, Host>, const HostMatrix&> &&
              !std::is_constructible_v<View<const double, Device>, HostMatrix&> &&
              !std::is_constructible_v<View<const double, Host>, const Matrix<double, Device>&>);
static_assert(HostMatrix::rank == 2 && Vector<double, Host>::rank == 1);

}  // namespace

TEST_CASE("a new matrix is zero", "[core]") {
  const HostMatrix m(3, 5);
  CHECK(m.rows() == 3);
  CHECK(m.cols() == 5);
  CHECK(m.size() == 15);
  for (Index i = 0; i < m.size(); ++i) CHECK(m.data()[i] == 0);
  const Host::Context context;
  {
    auto dirty = HostMatrix::uninitialized(context, 3, 5);
    for (Index i = 0; i < 15; ++i) dirty.data()[i] = 9;
  }
  const auto zeros = HostMatrix::zeros(context, 3, 5);
  for (Index i = 0; i < 15; ++i) CHECK(zeros.data()[i] == 0);
}

TEST_CASE("a move keeps the data pointer, and a copy has its own memory", "[core]") {
  HostMatrix a(2, 2);
  a.view()(1, 1) = 4;
  const double* data = a.data();
  HostMatrix b = std::move(a);
  CHECK(b.data() == data);
  CHECK(a.empty());
  HostMatrix c = b.copy();
  CHECK(c.data() != data);
  CHECK(c.view()(1, 1) == 4);
  c.view()(1, 1) = 5;
  CHECK(b.view()(1, 1) == 4);
  c = std::move(b);
  CHECK(c.data() == data);
  CHECK(b.rows() == 0);
}

TEST_CASE("negative and too large extents are refused", "[core]") {
  CHECK_THROWS_WITH(HostMatrix(-1, 3), "[Matrix] extents must not be negative, got -1 x 3");
  CHECK_THROWS_WITH(HostMatrix(Index{1} << 40, Index{1} << 40),
                    "[Matrix] the number of elements must fit into an Index, got 1099511627776 x 1099511627776");
  CHECK_THROWS_AS(HostMatrix(Index{1} << 30, Index{1} << 32), std::bad_alloc);
}

TEST_CASE("matrices without elements can be copied and viewed", "[core]") {
  for (const Index rows : {0, 4}) {
    const HostMatrix m(rows, 4 - rows);
    CHECK(m.empty());
    CHECK(m.copy().rows() == m.rows());
    CHECK(m.view().cols == m.cols());
  }
}

TEST_CASE("a vector is a matrix of one row, also when copied", "[core]") {
  Vector<double, Host> v(3);
  v.view()(0, 2) = 7;
  const Vector<double, Host> w = v.copy();
  CHECK(w.rows() == 1);
  CHECK(w.view()(0, 2) == 7);
}

}  // namespace matrix_test
