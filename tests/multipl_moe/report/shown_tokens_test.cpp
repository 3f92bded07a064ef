#include "multipl_moe/report/shown_tokens.hpp"

#include "multipl_moe/tokenizer/byte_tokenizer.hpp"
#include "support/catch.hpp"

namespace shown_tokens_test {

using namespace multipl_moe;

namespace {

std::vector<ShownToken> shown_bytes(std::string_view text) {
  const ByteTokenizer bytes;
  return shown_tokens(bytes.encode(text), bytes);
}

}  // namespace

TEST_CASE("a character of several byte tokens is shown once, and each token says which bytes it has", "[report]") {
  CHECK(
      shown_bytes("a\xc3\xa9z") ==
      std::vector<ShownToken>{{"a", ""}, {"\u00e9", "byte C3 of \u00e9"}, {"\u00b7", "byte A9 of \u00e9"}, {"z", ""}});
  const auto emoji = shown_bytes("\xf0\x9f\x99\x82");
  REQUIRE(emoji.size() == 4);
  CHECK(emoji[0].text == "\U0001f642");
  CHECK(emoji[3] == ShownToken{"\u00b7", "byte 82 of \U0001f642"});
}

TEST_CASE("bytes that are not UTF-8 are shown in hexadecimal", "[report]") {
  CHECK(shown_bytes("\xff"
                    "a\xc3") == std::vector<ShownToken>{{"\u27e8FF\u27e9", "byte FF is not UTF-8"},
                                                        {"a", ""},
                                                        {"\u27e8C3\u27e9", "byte C3 is not UTF-8"}});
}

TEST_CASE("control characters and marks of direction are visible, tabs and newlines stay", "[report]") {
  CHECK(shown_bytes("\t\n") == std::vector<ShownToken>{{"\t", ""}, {"\n", ""}});
  CHECK(shown_bytes(std::string("\0\x1b\r\x7f", 4)) ==
        std::vector<ShownToken>{{"\u2400", ""}, {"\u241b", ""}, {"\u240d", ""}, {"\u2421", ""}});
  CHECK(shown_bytes("\u202e")[0].text == "\u27e8U+202E\u27e9");
}

TEST_CASE("tokens without text are visible", "[report]") {
  const ByteTokenizer bytes;
  CHECK(shown_tokens(std::vector<Token>{bytes.end_of_text()}, bytes) ==
        std::vector<ShownToken>{{"\u220e\n", "end of text"}});
  CHECK(shown_tokens(std::vector<Token>{300}, bytes) == std::vector<ShownToken>{{"\u25a1", "token 300 has no text"}});
}

}  // namespace shown_tokens_test
