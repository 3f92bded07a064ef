#include "bench/shapes.hpp"

#include "support/catch.hpp"

namespace shapes_test {

using moe_bench::parse_shape;

TEST_CASE("a shape is given by its name or by its sizes", "[bench]") {
  CHECK(parse_shape("mid")->hidden == 1376);
  CHECK(parse_shape("paper")->width == 2048);
  CHECK(parse_shape("mixtral")->name == "mixtral-8x7b");
  CHECK(parse_shape("qwen-moe")->experts == 60);
  const auto spelled = parse_shape("3x5x7x11x2");
  REQUIRE(spelled);
  CHECK(spelled->name == "3x5x7x11x2");
  CHECK(spelled->rows == 3);
  CHECK(spelled->width == 5);
  CHECK(spelled->hidden == 7);
  CHECK(spelled->experts == 11);
  CHECK(spelled->chosen == 2);
}

TEST_CASE("an invalid shape is rejected", "[bench]") {
  for (const char* text : {"", "big", "x", "1x2x3x4", "1x2x3x4x", "1x2x3x4x4x4", "1x2x3x4x5", "0x2x3x4x1", "-1x2x3x4x1",
                           "1x2x3x4x1 ", "1.5x2x3x4x1", "99999999999999999999x2x3x4x1", "2097152x2x3x4x1"}) {
    INFO(text);
    CHECK_FALSE(parse_shape(text));
  }
}

}  // namespace shapes_test
