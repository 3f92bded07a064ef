#include "moe/routing/balance/balance_over_routed.hpp"

#include "moe/routing/balance/balance.hpp"
#include "support/catch.hpp"

namespace balance_over_routed_test {

using namespace moe;
static_assert(Balance<BalanceOverRouted>);

TEST_CASE("the routed loss leaves out the shared expert, whatever its index", "[policies]") {
  for (Index shared = 0; shared < 4; ++shared)
    for (Index e = 0; e < 4; ++e) CHECK(BalanceOverRouted{.shared = shared}.counts(e) == (e != shared));
}

}  // namespace balance_over_routed_test
