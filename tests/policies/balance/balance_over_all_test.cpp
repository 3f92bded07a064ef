#include "moe/policies/balance/balance_over_all.hpp"

#include "moe/concepts/balance.hpp"
#include "support/catch.hpp"

using namespace moe;
static_assert(Balance<BalanceOverAll>);

TEST_CASE("the paper's loss counts every expert, the shared one included", "[policies]") {
  for (Index e = 0; e < 6; ++e) CHECK(BalanceOverAll{}.counts(e));
}
