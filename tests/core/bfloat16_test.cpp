#include "moe/core/bfloat16.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "support/catch.hpp"

namespace bfloat16_test {

using moe::BFloat16;

namespace {

float rounded(float value) { return static_cast<float>(BFloat16(value)); }

}  // namespace

TEST_CASE("conversion to BFloat16 rounds to nearest, ties to even", "[core]") {
  CHECK(BFloat16(1.0f).bits == 0x3f80);
  CHECK(static_cast<float>(BFloat16::of_bits(0xc049)) == -3.140625f);
  // One step at 1 is 2^-7.
  const float step = std::ldexp(1.0f, -7);
  CHECK(rounded(1 + step / 2) == 1.0f);
  CHECK(rounded(1 + 3 * step / 2) == 1 + 2 * step);
  CHECK(rounded(std::nextafter(1 + step / 2, 2.0f)) == 1 + step);
  CHECK(rounded(std::nextafter(1 + step / 2, 0.0f)) == 1.0f);
  CHECK(std::signbit(rounded(-0.0f)));
}

TEST_CASE("every BFloat16 value survives the conversion to float and back", "[core]") {
  int different = 0;
  for (unsigned bits = 0; bits <= 0xffffu; ++bits) {
    const auto value = static_cast<float>(BFloat16::of_bits(static_cast<std::uint16_t>(bits)));
    if (!std::isnan(value)) different += BFloat16(value).bits != bits;
  }
  CHECK(different == 0);
}

TEST_CASE("infinities and NaN stay as they are, and overflow rounds to infinity", "[core]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(rounded(infinity) == infinity);
  CHECK(rounded(-infinity) == -infinity);
  CHECK(rounded(std::numeric_limits<float>::max()) == infinity);
  // NaNs whose mantissa bits lie in the dropped half, with either sign, and NaNs that rounding up would turn into 0.
  for (const std::uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu}) {
    float nan;
    std::memcpy(&nan, &bits, sizeof nan);
    CHECK(std::isnan(rounded(nan)));
  }
}

}  // namespace bfloat16_test
