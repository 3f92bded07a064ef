#include "multipl_moe/tokenizer/byte_alphabet.hpp"

#include "support/catch.hpp"

namespace byte_alphabet_test {

using namespace multipl_moe;

TEST_CASE("bytes are spelled as in GPT-2", "[tokenizer]") {
  CHECK(spelled("Az09!~") == "Az09!~");
  CHECK(spelled(" \n\t\r") == "ĠĊĉč");
  CHECK(spelled(std::string_view("\0\x7f\xa0\xad\xff", 5)) == "ĀġłŃÿ");
  CHECK(spelled("é") == "Ã©");
}

TEST_CASE("every byte can be spelled and read back, and other text is no spelling", "[tokenizer]") {
  std::string bytes = bytes_in_order(), text = spelled(bytes);
  REQUIRE(bytes.size() == 256);
  CHECK(bytes.substr(0, 3) == "!\"#");
  CHECK(bytes[188] == '\0');
  REQUIRE(unspell(text));
  CHECK(text == bytes);
  for (std::string bad :
       {"a b", "\n", "\x7f", "\xc2\xa0", "\xc2\xad", "\xc5\x84", "\xe4\xbd\xa0", "\xc4", "\xff", "a\x80"}) {
    const std::string before = bad;
    CHECK_FALSE(unspell(bad));
    CHECK(bad == before);
  }
}

}  // namespace byte_alphabet_test
