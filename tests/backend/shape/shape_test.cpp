#include "moe/backend/shape/shape.hpp"

#include <type_traits>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "support/catch.hpp"

namespace shape_test {

using namespace moe;
static_assert(Backend<Shape>);
static_assert(std::is_empty_v<Shape::Buffer<float>>);

TEST_CASE("a matrix without memory has its extents", "[shape]") {
  Matrix<float, Shape> m(Index{1} << 30, Index{1} << 30);
  CHECK(m.size() == Index{1} << 60);
  CHECK(m.data() == nullptr);
  CHECK_FALSE(m.empty());
  m.fill_zero();
  CHECK(m.copy().rows() == m.rows());
  const auto moved = std::move(m);
  CHECK(moved.cols() == Index{1} << 30);
  CHECK(m.empty());
}

}  // namespace shape_test
