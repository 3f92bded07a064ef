#include "moe/core/require.hpp"

#include "support/catch.hpp"

namespace require_test {

using namespace moe;

TEST_CASE("an error names the place, the rule and the values", "[core]") {
  CHECK_THROWS_AS(require(false, "Layer::forward", "x"), Error);
  CHECK_THROWS_WITH(require(false, "Layer::forward", "x has ", 3, " columns, the gate expects ", 4),
                    "[Layer::forward] x has 3 columns, the gate expects 4");
  CHECK_NOTHROW(require(true, "Layer::forward", "never"));
}

}  // namespace require_test
