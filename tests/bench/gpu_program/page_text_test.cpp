#include "bench/gpu_program/page_text.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace page_text_test {

using namespace gpu_program;

TEST_CASE("a figure reaches a target from its own side, the second only after the first") {
  const Target rate{29, 33};
  CHECK(verdict_of(28.9, rate) == "missed");
  CHECK(verdict_of(29, rate) == "reached");
  CHECK(verdict_of(33, rate) == "reached, and the goal");
  const Target delay{.required = 5, .goal = 2.5, .at_least = false};
  CHECK(verdict_of(5.1, delay) == "missed");
  CHECK(verdict_of(5, delay) == "reached");
  CHECK(verdict_of(2.5, delay) == "reached, and the goal");
  CHECK(verdict_of(100, Target{.required = 1}) == "reached");
}
TEST_CASE("a figure that is not a number has missed its target") {
  CHECK(verdict_of(NAN, Target{.required = 1}) == "missed");
  CHECK(verdict_of(NAN, Target{.required = 1, .at_least = false}) == "missed");
}

TEST_CASE("the note of a page is its last line that is marked as one") {
  CHECK(note_in("# page\n\nIn short: first\n\ntext\n\nIn short: last\n") == "last");
  CHECK(note_in("# page\n\nIn short: without an end") == "without an end");
  CHECK(note_in("# page\n\nnot In short: this\n").empty());
  CHECK(note_in("").empty());
}

}  // namespace page_text_test
