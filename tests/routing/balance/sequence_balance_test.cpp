#include "moe/routing/balance/sequence_balance.hpp"

#include <vector>

#include "moe/routing/balance/balance.hpp"
#include "support/catch.hpp"

namespace sequence_balance_test {

using namespace moe;
static_assert(Balance<SequenceBalance> && ScoresRows<SequenceBalance> && balances_sequences<SequenceBalance>);
static_assert(!LearnsWeight<SequenceBalance>);

TEST_CASE("sigmoid scores are normalized to sum to 1, also for logits far from 0", "[policies]") {
  for (const double far : {-800.0, 0.0, 800.0}) {
    const std::vector<double> z(3, far);
    std::vector<double> p(3);
    SequenceBalance{}.score(Row<const double>{z.data(), 3}, Row<double>{p.data(), 3});
    for (const double each : p) CHECK(each == Catch::Approx(1.0 / 3));
  }
}

}  // namespace sequence_balance_test
