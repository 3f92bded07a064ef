#include "moe/routing/router/relu_router.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace relu_router_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("experts with logits above 0 are selected, which may be all or none", "[policies]") {
  CHECK(choose(ReluRouter{}, std::vector<float>{1, -1, 0, 2}) == std::vector<ChoiceOrder>{1, 0, 0, 2});
  CHECK(choose(ReluRouter{}, std::vector<float>{-1, -2}) == std::vector<ChoiceOrder>{0, 0});
  CHECK(choose(ReluRouter{}, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 1}) ==
        std::vector<ChoiceOrder>{0, 1});
}

}  // namespace relu_router_test
