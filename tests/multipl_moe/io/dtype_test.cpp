#include "multipl_moe/io/dtype.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"

using namespace multipl_moe;

TEST_CASE("sizes are counted without overflow") {
  using Shape = std::vector<std::int64_t>;
  CHECK(element_count(Shape{}) == 1);
  CHECK(element_count(Shape{2, 3, 4}) == 24);
  CHECK(element_count(Shape{std::int64_t{1} << 62, 0, 4}) == 0);
  CHECK_FALSE(element_count(Shape{std::int64_t{1} << 62, 2}).has_value());
  CHECK_FALSE(element_count(Shape{-1}).has_value());
  CHECK(tensor_bytes("BF16", Shape{3}) == 6u);
  CHECK_FALSE(tensor_bytes("F64", Shape{std::int64_t{1} << 60}).has_value());
  CHECK_FALSE(tensor_bytes("F17", Shape{1}).has_value());
}

TEST_CASE("halves are widened exactly") {
  CHECK(float_of_half(0x3c00) == 1.0f);
  CHECK(float_of_half(0xc000) == -2.0f);
  CHECK(float_of_half(0x7bff) == 65504.0f);
  CHECK(float_of_half(0x0001) == std::ldexp(1.0f, -24));
  CHECK(float_of_half(0x03ff) == std::ldexp(1023.0f, -24));
  CHECK(std::signbit(float_of_half(0x8000)));
  CHECK(float_of_half(0x7c00) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(float_of_half(0x7e00)));
}
