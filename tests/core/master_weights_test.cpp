#include "moe/core/master_weights.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace master_weights_test {

using namespace moe;
using Catch::Approx;

namespace {

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

}  // namespace

TEST_CASE("joining the upper and the lower half of a float restores every bit pattern", "[core]") {
  std::vector<std::uint32_t> cases{0,           0x80000000u, 0x00008000u, 0x3f808000u, 0x3f818000u,
                                   0x3f817fffu, 0x7f7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u,
                                   1u,          0xffffu,     0x7f7f8000u};
  for (int i = 0; i < 10000; ++i) cases.push_back(random_words({}, static_cast<std::uint64_t>(i))[0]);
  for (const std::uint32_t bits : cases) {
    const auto value = std::bit_cast<float>(bits);
    CHECK(bits_of(joined(upper_half(value), lower_half(value))) == bits);
  }
}

TEST_CASE("stochastic rounding picks each of the two neighbors with the probability that keeps the mean", "[core]") {
  const float low = 1, high = 1 + 0x1p-7f;
  for (const float share : {0.0f, 0.25f, 0.5f, 0.9f}) {
    const float value = low + share * (high - low);
    int ups = 0;
    for (std::uint32_t random = 0; random < 0x10000u; ++random) {
      const float rounded = widened(stochastic_round(value, random));
      REQUIRE((rounded == low || rounded == high));
      ups += rounded == high;
    }
    CHECK(ups == Approx(share * 65536).margin(1));
  }
  constexpr float infinite = std::numeric_limits<float>::infinity();
  CHECK(widened(stochastic_round(infinite, 0xffff)) == infinite);
  CHECK(std::isnan(widened(stochastic_round(std::numeric_limits<float>::quiet_NaN(), 0xffff))));
}

}  // namespace master_weights_test
