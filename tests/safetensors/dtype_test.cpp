#include "moe/safetensors/dtype.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace dtype_test {

using namespace moe;
using namespace moe::io;

TEST_CASE("sizes are counted without overflow") {
  using Shape = std::vector<std::int64_t>;
  CHECK(element_count(Shape{}) == 1);
  CHECK(element_count(Shape{2, 3, 4}) == 24);
  CHECK(element_count(Shape{std::int64_t{1} << 62, 0, 4}) == 0);
  CHECK_FALSE(element_count(Shape{std::int64_t{1} << 62, 2}).has_value());
  CHECK_FALSE(element_count(Shape{-1}).has_value());
  CHECK(tensor_bytes("BF16", Shape{3}) == 6u);
  CHECK_FALSE(tensor_bytes("F64", Shape{std::int64_t{1} << 60}).has_value());
  CHECK_FALSE(tensor_bytes("F17", Shape{1}).has_value());
}

TEST_CASE("float16 values are converted to float exactly") {
  CHECK(float_of_half(0x3c00) == 1.0f);
  CHECK(float_of_half(0xc000) == -2.0f);
  CHECK(float_of_half(0x7bff) == 65504.0f);
  CHECK(float_of_half(0x0001) == std::ldexp(1.0f, -24));
  CHECK(float_of_half(0x03ff) == std::ldexp(1023.0f, -24));
  CHECK(std::signbit(float_of_half(0x8000)));
  CHECK(float_of_half(0x7c00) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(float_of_half(0x7e00)));
}

TEST_CASE("every dtype of the format has its size") {
  for (const auto* name : {"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"}) CHECK(dtype_bytes(name) == 1u);
  for (const auto* name : {"U16", "I16", "F16", "BF16"}) CHECK(dtype_bytes(name) == 2u);
  for (const auto* name : {"U32", "I32", "F32"}) CHECK(dtype_bytes(name) == 4u);
  for (const auto* name : {"U64", "I64", "F64"}) CHECK(dtype_bytes(name) == 8u);
}

TEST_CASE("every float16 value is unchanged after conversion to float and back") {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const std::uint16_t back = half_of_float(float_of_half(half));
    if (std::isnan(float_of_half(half)))
      REQUIRE(std::isnan(float_of_half(back)));
    else
      REQUIRE(back == half);
  }
}

TEST_CASE("floats are rounded to the nearest float16, ties to even") {
  for (std::uint16_t half = 0; half < 0x7bff; ++half) {
    const auto next = static_cast<std::uint16_t>(half + 1);
    const float low = float_of_half(half), high = float_of_half(next), middle = low + (high - low) / 2;
    REQUIRE(half_of_float(middle) == (half % 2 == 0 ? half : next));
    REQUIRE(half_of_float(std::nextafter(middle, low)) == half);
    REQUIRE(half_of_float(std::nextafter(middle, high)) == next);
    REQUIRE(half_of_float(-middle) == (half_of_float(middle) | 0x8000));
  }
  CHECK(half_of_float(65519.99f) == 0x7bff);
  CHECK(half_of_float(65520.0f) == 0x7c00);
  CHECK(half_of_float(-std::numeric_limits<float>::infinity()) == 0xfc00);
}

TEST_CASE("floats are stored exactly in every float dtype, and in no other dtype") {
  const std::vector<float> values{1.5f, -0.0f, 3.140625f, std::numeric_limits<float>::infinity()};
  for (const auto* name : {"F64", "F32", "BF16", "F16"}) {
    INFO(name);
    std::vector<std::byte> bytes(values.size() * *dtype_bytes(name));
    encode_floats(name, values, bytes);
    std::vector<float> floats(values.size());
    std::vector<double> doubles(values.size());
    decode_floats(name, bytes, floats);
    decode_floats(name, bytes, doubles);
    CHECK(floats == values);
    CHECK(std::signbit(floats[1]));
    CHECK(doubles == std::vector<double>(values.begin(), values.end()));
    bytes.pop_back();
    CHECK_THROWS_AS(encode_floats(name, values, bytes), Error);
    CHECK_THROWS_AS(decode_floats(name, bytes, floats), Error);
  }
  std::vector<std::byte> bytes(4);
  std::vector<float> one(1);
  for (const auto* name : {"I32", "U32", "F8_E4M3", "F33"}) CHECK_THROWS_AS(decode_floats(name, bytes, one), Error);
}

TEST_CASE("doubles are rounded once to every float dtype") {
  const auto check = [](const std::string& dtype, double value, double expected) {
    INFO(dtype << ' ' << value);
    std::vector<std::byte> bytes(*dtype_bytes(dtype));
    double back = 0;
    encode_floats(dtype, std::span<const double>(&value, 1), bytes);
    decode_floats(dtype, bytes, std::span(&back, 1));
    CHECK(back == expected);
  };
  for (const double sign : {1.0, -1.0}) {
    // Just above and just below a tie; a float would hold the tie itself.
    check("BF16", sign * (1 + 0x1p-8 + 0x1p-40), sign * (1 + 0x1p-7));
    check("BF16", sign * (1 + 3 * 0x1p-8 - 0x1p-40), sign * (1 + 0x1p-7));
    check("F16", sign * (1 + 0x1p-11 + 0x1p-40), sign * (1 + 0x1p-10));
    check("F16", sign * (1 + 3 * 0x1p-11 - 0x1p-40), sign * (1 + 0x1p-10));
    check("F16", sign * (65520 - 0x1p-30), sign * 65504);
    check("F16", sign * 0x1p-25, 0);
    check("F16", sign * (0x1p-25 + 0x1p-70), sign * 0x1p-24);
    check("BF16", sign * 1e-300, 0);
    check("F32", sign * (1 + 0x1p-24), sign);
    check("F64", sign * 1e300, sign * 1e300);
  }
  check("BF16", std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity());
  CHECK(std::isnan(odd_float_of(std::numeric_limits<double>::quiet_NaN())));
  const std::vector<double> values{65519.9, std::numeric_limits<double>::infinity(), -1e300};
  CHECK(first_too_large("F16", values) == 2);
  CHECK(first_too_large("F64", values) == 3);
}

TEST_CASE("first_too_large finds a finite value that becomes infinite in a dtype, and no other") {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  for (const std::string dtype : {"F16", "BF16", "F32"}) {
    INFO(dtype);
    const auto encoded_is_finite = [&](float value) {
      std::vector<std::byte> bytes(*dtype_bytes(dtype));
      float back = 0;
      encode_floats(dtype, std::span(&value, 1), bytes);
      decode_floats(dtype, bytes, std::span(&back, 1));
      return std::isfinite(back);
    };
    // Both neighbors of the lowest value that rounds to infinity, and all magnitudes, compared with the conversion.
    std::vector<float> values{0,
                              -0.0f,
                              1,
                              65503,
                              65504,
                              65519.996f,
                              -65519.996f,
                              65520,
                              -65520,
                              1e5f,
                              3.3895314e38f,
                              3.39e38f,
                              3.3961775e38f,
                              std::nextafter(3.3961775e38f, 0.0f),
                              3.4e38f,
                              std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::denorm_min()};
    for (int exponent = -149; exponent < 128; ++exponent)
      for (const float factor : {1.0f, 1.5f, 1.999f, -1.9999f}) values.push_back(std::ldexp(factor, exponent));
    for (const float value : values) {
      INFO(value);
      CHECK((first_too_large(dtype, std::span(&value, 1)) == 0) == !encoded_is_finite(value));
    }
    // Values that are not finite before the conversion do not count.
    const std::vector<float> before{infinite, -infinite, std::numeric_limits<float>::quiet_NaN(), 1};
    CHECK(first_too_large(dtype, before) == before.size());
    CHECK(std::isfinite(static_cast<float>(largest_of(dtype))));
    const auto largest = static_cast<float>(largest_of(dtype));
    CHECK(encoded_is_finite(largest));
  }
  const std::vector<float> third{1, infinite, -70000, 80000};
  CHECK(first_too_large("F16", third) == 2);
  CHECK(first_too_large("F64", third) == 4);

  constexpr double highest = std::numeric_limits<float>::max();
  const std::vector<double> wide{
      highest, -highest, 0x1.fffffefffffffp127, std::numeric_limits<double>::infinity(), -0x1.ffffffp127, 1e300};
  CHECK(std::isinf(static_cast<float>(wide[4])));
  CHECK_FALSE(std::isinf(static_cast<float>(wide[2])));
  CHECK(first_too_large("F32", std::span<const double>(wide)) == 4);
  CHECK(first_too_large("F32", std::span<const double>(wide).first(4)) == 4);
}

TEST_CASE("the index of an element counts from 0, with the last dimension fastest") {
  const std::vector<std::int64_t> cube{2, 3, 4}, none;
  CHECK(place_in(cube, 0) == "[0, 0, 0]");
  CHECK(place_in(cube, 23) == "[1, 2, 3]");
  CHECK(place_in(cube, 17) == "[1, 1, 1]");
  CHECK(place_in(none, 0) == "[]");
}

}  // namespace dtype_test
