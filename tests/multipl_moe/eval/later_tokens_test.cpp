#include "multipl_moe/eval/later_tokens.hpp"

#include <limits>

#include "support/catch.hpp"

namespace later_tokens_test {

using namespace multipl_moe;

TEST_CASE("cuts are at and beside the borders of segments, inside of them and at both ends", "[eval][causality]") {
  using Cuts = std::vector<std::int64_t>;
  CHECK(suffix_cuts(256, 64) == Cuts{1, 32, 64, 65, 96, 255});
  CHECK(suffix_cuts(32, 8) == Cuts{1, 4, 8, 9, 12, 31});
  CHECK(suffix_cuts(65, 64) == Cuts{1, 32, 64});
  CHECK(suffix_cuts(2, 64) == Cuts{1});
  CHECK(suffix_cuts(1, 64).empty());
  CHECK(suffix_cuts(4, 1) == Cuts{1, 2, 3});
}

TEST_CASE("replaced tokens all differ, and the others stay", "[eval][causality]") {
  for (const std::int64_t vocabulary : {2, 3, 257}) {
    std::vector<Token> text, before;
    for (std::int64_t t = 0; t < 100; ++t) text.push_back(static_cast<Token>(t * t % vocabulary));
    before = text;
    replace_tokens(text, 7, 99, vocabulary);
    for (std::size_t t = 0; t < text.size(); ++t) {
      CHECK((text[t] != before[t]) == (t >= 7 && t < 99));
      CHECK(text[t] < vocabulary);
    }
  }
}

TEST_CASE("changes beyond the tolerance before the cut are counted, and the largest has its place",
          "[eval][causality]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PredictionChanges changes;
  const std::vector<double> before{1, 2, 3, nan, 5}, after{1, 2.5, 3.05, nan, 9};
  CHECK(changes.add(before, after, 4, 0.1));
  CHECK(changes.compared == 4);
  CHECK(changes.changed == 1);  // 0.05 is rounding
  CHECK(changes.largest == 0.5);
  CHECK(changes.position == 1);
  CHECK(changes.cut == 4);
  CHECK(changes.share() == 0.25);
  CHECK_FALSE(changes.add(before, after, 2, 0.1));
  CHECK(changes.changed == 2);
  CHECK(changes.cut == 4);
  CHECK(changes.add(before, std::vector<double>{1, 2, nan, 3, 5}, 5, 0.1));
  CHECK(changes.changed == 4);  // a number on one side only is a change
  CHECK(changes.largest == INFINITY);
  CHECK(changes.position == 2);
}

}  // namespace later_tokens_test
