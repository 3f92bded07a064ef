#include "moe/core/matrix.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

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

TEST_CASE("a large matrix is zero and starts on a cache line", "[core]") {
  // From 1 MiB on the system zeroes the memory.
  for (const Index rows : {1000, 1024, 3000}) {
    const HostMatrix m(rows, 128);
    CHECK(reinterpret_cast<std::uintptr_t>(m.data()) % 64 == 0);
    CHECK(std::all_of(m.data(), m.data() + m.size(), [](double value) { return value == 0; }));
  }
}

TEST_CASE("a matrix uses the memory of an owner as long as it exists", "[core]") {
  const auto values = std::make_shared<std::vector<double>>(std::vector<double>{1, 2, 3, 4, 5, 6});
  HostMatrix copy;
  {
    auto m = HostMatrix::of_owner(values->data(), 2, 3, values);
    CHECK(values.use_count() == 2);
    CHECK(m.view()(1, 0) == 4);
    m.view()(1, 0) = 7;
    CHECK((*values)[3] == 7);
    HostMatrix moved = std::move(m);
    CHECK(moved.data() == values->data());
    CHECK(values.use_count() == 2);
    copy = moved.copy();
  }
  CHECK(values.use_count() == 1);
  CHECK(copy.data() != values->data());
  CHECK(copy.view()(1, 0) == 7);
  CHECK_THROWS_WITH(HostMatrix::of_owner(values->data(), -2, 3, values),
                    "[Matrix] extents must not be negative, got -2 x 3");
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
