#include "moe/safetensors/utf8.hpp"

#include "support/catch.hpp"

namespace utf8_test {

using moe::io::code_point_bytes;

TEST_CASE("the length of a code point follows from its first bytes") {
  CHECK(code_point_bytes("a") == 1);
  CHECK(code_point_bytes("\xc3\xa9x") == 2);
  CHECK(code_point_bytes("\xe2\x82\xac") == 3);
  CHECK(code_point_bytes("\xf0\x9f\x98\x80") == 4);
  CHECK(code_point_bytes("\xf4\x8f\xbf\xbf") == 4);
}

TEST_CASE("the length of invalid UTF-8 is 0") {
  for (const char* const bad :
       {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xe2\x82(",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xff"})
    CHECK(code_point_bytes(bad) == 0);
}

}  // namespace utf8_test
