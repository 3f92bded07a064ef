#include "multipl_moe/eval/growing_text.hpp"

#include "support/catch.hpp"

namespace growing_text_test {

using namespace multipl_moe;

namespace {

/// All text that is shown for `bytes` in blocks of `size`.
std::string shown(std::string_view bytes, std::size_t size, const std::vector<std::string>& stops) {
  GrowingText text(stops);
  std::string all;
  for (std::size_t i = 0; i < bytes.size() && !text.has_stopped(); i += size) all += text.add(bytes.substr(i, size));
  return all += text.finish();
}

}  // namespace

TEST_CASE("a tail that may be the start of a stop text is held back, and shown if it is not", "[eval]") {
  GrowingText text(std::vector<std::string>{"\n\n", "END"});
  CHECK(text.add("a\n") == "a");
  CHECK(text.add("b E") == "\nb ");
  CHECK(text.add("N").empty());
  CHECK(text.add("e\n") == "ENe");
  CHECK_FALSE(text.has_stopped());
  CHECK(text.add("\nrest").empty());
  CHECK(text.has_stopped());
  CHECK(text.finish().empty());
}

TEST_CASE("a signal is not text, and ends a text if it completes a stop text", "[eval]") {
  constexpr Token end = 7, other = 8;
  GrowingText text(std::vector<StopText>{stop_of_bytes("END"), StopText{U'x', signal_of(end)}});
  CHECK(text.add("aEN") == "a");
  // A signal that no stop text contains is not shown.
  CHECK(text.add_signal(other).empty());
  CHECK(text.add("x") == "EN");
  CHECK_FALSE(text.has_stopped());
  CHECK(text.add("yx") == "xy");
  CHECK(text.add_signal(end).empty());
  CHECK(text.has_stopped());
  CHECK(text.finish().empty());
  GrowingText unfinished(std::vector<StopText>{StopText{signal_of(end), U'\n'}});
  CHECK(unfinished.add("a") == "a");
  CHECK(unfinished.add_signal(end).empty());
  CHECK(unfinished.add("b") == "b");
  CHECK_FALSE(unfinished.has_stopped());
}

TEST_CASE("a text ends before its first stop text, for any block size", "[eval]") {
  for (std::size_t size = 1; size < 12; ++size) {
    CHECK(shown("one\ntwo\n\nthree", size, {"\n\n"}) == "one\ntwo");
    CHECK(shown("aab", size, {"ab"}) == "a");
    CHECK(shown("ababac", size, {"abac", "zz"}) == "ab");
    CHECK(shown("no stop here\n", size, {"\n\n"}) == "no stop here\n");
    CHECK(shown("stop", size, {"stop"}).empty());
    // A stop text may be a part of a character, and may leave a part of one.
    CHECK(shown("x\xe2\x82\xac!", size, {"\xac"}) == "x\xef\xbf\xbd");
    CHECK(shown("é€", size, {"€"}) == "é");
  }
}

}  // namespace growing_text_test
