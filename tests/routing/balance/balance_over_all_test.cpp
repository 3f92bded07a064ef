#include "moe/routing/balance/balance_over_all.hpp"

#include "moe/routing/balance/balance.hpp"
#include "support/catch.hpp"

namespace balance_over_all_test {

using namespace moe;
static_assert(Balance<BalanceOverAll>);

TEST_CASE("the paper's loss counts every expert, the shared one included", "[policies]") {
  for (Index e = 0; e < 6; ++e) CHECK(BalanceOverAll{}.counts(e));
}

}  // namespace balance_over_all_test
