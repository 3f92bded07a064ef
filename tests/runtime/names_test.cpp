#include "moe/runtime/names.hpp"

#include "support/catch.hpp"

namespace names_test {

using namespace moe;

TEST_CASE("names keep their order and can be redefined, and an unknown name is refused with the known ones",
          "[runtime]") {
  Names<int> shapes("shape");
  CHECK_THROWS_WITH(shapes.at("round"), Catch::Matchers::StartsWith("[registry] shape must be one of "));
  shapes.add("round", 1);
  shapes.add("flat", 2);
  shapes.add("round", 3);
  CHECK(shapes.names() == std::vector<std::string>{"round", "flat"});
  CHECK(shapes.at("round") == 3);
  CHECK(shapes.at("flat") == 2);
  CHECK_THROWS_WITH(shapes.at(""), "[registry] shape must be one of round, flat, got \"\"");
}

}  // namespace names_test
