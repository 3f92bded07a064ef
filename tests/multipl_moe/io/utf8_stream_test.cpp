#include "multipl_moe/io/utf8_stream.hpp"

#include <vector>

#include "multipl_moe/io/utf8.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace utf8_stream_test {

using namespace multipl_moe;

namespace {

bool is_valid(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = code_point_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

/// The text of `bytes`, added one byte at a time.
std::string in_bytes(std::string_view bytes) {
  Utf8Stream stream;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string piece = stream.add(bytes.substr(i, 1));
    CHECK(is_valid(piece));
    text += piece;
  }
  return text += stream.finish();
}

}  // namespace

TEST_CASE("a character is returned when its last byte has been added", "[io]") {
  Utf8Stream stream;
  CHECK(stream.add("a\xe2") == "a");
  CHECK(stream.add("\x82").empty());
  CHECK(stream.add("\xac"
                   "b\xf0\x9f\x98") == "€b");
  CHECK(stream.add("\x80") == "😀");
  CHECK(stream.finish().empty());
}

TEST_CASE("each longest invalid beginning of a character becomes one U+FFFD", "[io]") {
  const std::string bad = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\x80", bad},                                // continues nothing
      {"\xff\xfe", bad + bad},                      // never bytes of UTF-8
      {"\xc0\xaf", bad + bad},                      // overlong
      {"\xe0\x80\xaf", bad + bad + bad},            // overlong: the second byte cannot follow
      {"\xed\xa0\x80", bad + bad + bad},            // a surrogate
      {"\xf4\x90\x80\x80", bad + bad + bad + bad},  // above U+10FFFF
      {"\xe2\x82"
       "A",
       bad + "A"},  // two bytes of three
      {"\xf0\x9f\x98"
       "A",
       bad + "A"},                          // three of four
      {"\xf0\x9f\xe2\x82\xac", bad + "€"},  // one begins where another breaks off
      {"a\xe2\x82", "a" + bad},             // truncated by the end
      {"\xf0\x9f\x98", bad},                // truncated by the end
  };
  for (const auto& [bytes, text] : cases) {
    CHECK(valid_utf8(bytes) == text);
    CHECK(in_bytes(bytes) == text);
  }
}

TEST_CASE("random bytes give the same valid text all at once and one by one", "[io]") {
  moe::testing::Draw draw("utf-8");
  // Start and continuation bytes, more frequent than in uniformly random bytes.
  const std::string alphabet = "aZ\x80\xbf\xa0\x90\x8f\x9f\xc2\xc3\xe0\xe2\xed\xef\xf0\xf4\xf5\xff";
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (auto left = draw.between(0, 12); left > 0; --left)
      bytes += alphabet[static_cast<std::size_t>(draw.between(0, static_cast<int>(alphabet.size()) - 1))];
    const std::string text = valid_utf8(bytes);
    CHECK(is_valid(text));
    CHECK(in_bytes(bytes) == text);
    if (is_valid(bytes)) CHECK(text == bytes);
  }
}

}  // namespace utf8_stream_test
