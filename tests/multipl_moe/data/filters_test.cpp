#include "multipl_moe/data/filters.hpp"

#include <string>

#include "support/catch.hpp"

namespace filters_test {

using namespace multipl_moe;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("ordinary text passes") {
  CHECK_FALSE(filtered_by("int main() { return 0; }\n").has_value());
  CHECK_FALSE(filtered_by("x = 1").has_value());
}

TEST_CASE("empty and too large texts are left out") {
  CHECK(filtered_by("") == Filter::empty);
  const std::string line(63, 'a');
  const std::string most = repeated(line + "\n", 1 << 14);
  CHECK(most.size() == largest_source);
  CHECK_FALSE(filtered_by(most).has_value());
  CHECK(filtered_by(most + "a") == Filter::too_large);
}

TEST_CASE("text that is not UTF-8 is left out") {
  CHECK(filtered_by("caf\xe9 = 1\n") == Filter::not_utf8);
  CHECK_FALSE(filtered_by("caf\xc3\xa9 = 1\n").has_value());
}

TEST_CASE("lines over 100 characters on average, or one over 1000, are too long") {
  const std::string hundred(100, 'a');
  CHECK_FALSE(filtered_by(repeated(hundred + "\n", 9)).has_value());
  CHECK_FALSE(filtered_by(hundred).has_value());
  CHECK(filtered_by(hundred + "a") == Filter::long_lines);
  CHECK(filtered_by(repeated(hundred + "a\n", 9)) == Filter::long_lines);
  const std::string blank = repeated("a\n", 100);
  CHECK_FALSE(filtered_by(blank + std::string(1000, 'a') + "\n").has_value());
  CHECK(filtered_by(blank + std::string(1001, 'a') + "\n") == Filter::long_lines);
  CHECK_FALSE(filtered_by(blank + repeated("\xc3\xa9", 1000)).has_value());
}

TEST_CASE("text under 25 % alphanumeric is left out") {
  CHECK_FALSE(filtered_by("a...").has_value());
  CHECK(filtered_by("a....") == Filter::few_alphanumeric);
  CHECK(filtered_by("Z9\xc3\xa9......") == std::nullopt);
}

TEST_CASE("filters have names") {
  CHECK(name_of(Filter::unreadable) == "unreadable");
  CHECK(name_of(Filter::not_utf8) == "not_utf8");
  CHECK(name_of(Filter::duplicate) == "duplicate");
  CHECK(name_of(Filter::near_duplicate) == "near_duplicate");
}

}  // namespace filters_test
