#include "moe/core/score_order.hpp"

#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace score_order_test {

using namespace moe;

TEMPLATE_TEST_CASE("descending_bits orders scores from largest to smallest, NaN last", "[core]", float, double) {
  using Limits = std::numeric_limits<TestType>;
  const std::vector<TestType> falling = {Limits::infinity(),
                                         Limits::max(),
                                         2,
                                         1,
                                         Limits::min(),
                                         Limits::denorm_min(),
                                         0,
                                         -Limits::denorm_min(),
                                         -1,
                                         -2,
                                         Limits::lowest(),
                                         -Limits::infinity(),
                                         Limits::quiet_NaN()};
  for (std::size_t i = 1; i < falling.size(); ++i) CHECK(descending_bits(falling[i - 1]) < descending_bits(falling[i]));
  CHECK(descending_bits(TestType(-0.0)) == descending_bits(TestType(0.0)));
  CHECK(descending_bits(-Limits::quiet_NaN()) == descending_bits(Limits::quiet_NaN()));
}

}  // namespace score_order_test
