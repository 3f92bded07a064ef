#include "multipl_moe/data/excluded_runs.hpp"

#include <fmt/format.h>

#include "support/catch.hpp"

namespace excluded_runs_test {

using namespace multipl_moe;

namespace {

using Texts = std::vector<std::string>;

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for_each_source_token(text, [&](std::string_view token) { tokens.emplace_back(token); });
  return tokens;
}

ExcludedRuns runs_of(const std::vector<Texts>& problems) {
  ExcludedRuns runs;
  runs.add(problems);
  return runs;
}

/// "w1 w2 ... " of `count` words from `first` on.
std::string words(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += fmt::format("w{} ", i);
  return text;
}

}  // namespace

TEST_CASE("the tokens of a text are its words and its other characters", "[data]") {
  CHECK(tokens_of("a_b1 +=\t\"caf\u00e9\"\r\n;;") ==
        std::vector<std::string>{"a_b1", "+", "=", "\"", "caf\u00e9", "\"", ";", ";"});
  CHECK(tokens_of(" \n\t ").empty());
}

TEST_CASE("a text is excluded from 13 shared consecutive tokens on", "[data]") {
  const ExcludedRuns runs = runs_of({{words(0, 40)}});
  CHECK(runs.size() == 28);
  CHECK(runs.is_in("before " + words(20, 13) + "after"));
  CHECK(!runs.is_in("before " + words(20, 12) + "after"));
  CHECK(!runs.is_in(words(20, 7) + words(30, 7)));
  std::string spaced = words(5, 13);
  for (char& c : spaced)
    if (c == ' ') c = '\n';
  CHECK(runs.is_in(spaced));
  CHECK(runs.is_in(words(27, 13)));
  CHECK(!runs.is_in(words(28, 13)));
  CHECK(!runs.is_in(""));
}

TEST_CASE("a run does not extend over two texts of a problem", "[data]") {
  const ExcludedRuns runs = runs_of({{words(0, 10), words(10, 10)}});
  CHECK(runs.size() == 0);
  CHECK(!runs.is_in(words(0, 20)));
}

TEST_CASE("a run in more than ten problems is a frame and excludes nothing", "[data]") {
  std::vector<Texts> problems;
  for (int i = 0; i < 10; ++i) problems.push_back({words(0, 13) + words(100 * (i + 1), 20)});
  CHECK(runs_of(problems).is_in(words(0, 13)));
  problems.push_back({words(0, 13), words(0, 13)});
  const ExcludedRuns runs = runs_of(problems);
  CHECK(!runs.is_in(words(0, 13)));
  CHECK(runs.is_in(words(305, 13)));
  // Twice in one problem counts once.
  CHECK(runs_of({{words(0, 13), words(0, 13), words(0, 13)}}).is_in(words(0, 13)));
}

TEST_CASE("problems without a run that excludes are counted", "[data]") {
  ExcludedRuns runs;
  CHECK(runs.add(std::vector<Texts>{{words(0, 13)}, {words(0, 12), "x"}, {}, {"[0, 1, 2, 3, 4, 5, 6, 7, 8]"}}) == 3);
  CHECK(runs.size() == 1);
  // The first ten of eleven have only the frame, the last has text of its own.
  std::vector<Texts> problems(10, Texts{words(0, 13)});
  problems.push_back({words(0, 13), words(100, 14)});
  ExcludedRuns others;
  CHECK(others.add(problems) == 10);
  CHECK(others.size() == 2);
  // Runs that are there already are not missing.
  CHECK(others.add(std::vector<Texts>{{words(100, 13)}}) == 0);
  CHECK(others.size() == 2);
  runs.add(others);
  CHECK(runs.size() == 3);
  CHECK(runs.is_in(words(0, 13)));
  CHECK(runs.is_in(words(101, 13)));
}

TEST_CASE("a list of numbers or of few names excludes nothing", "[data]") {
  const std::string list = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", letters = "{\"a\", \"b\", \"c\", \"d\"}";
  const ExcludedRuns runs = runs_of({{list, letters, "for i in range(len(xs)): total += xs[i]"}});
  CHECK(!runs.is_in("before " + list + " after"));
  CHECK(!runs.is_in(letters + ", " + letters));
  CHECK(runs.is_in("x = 0 for i in range(len(xs)): total += xs[i]"));
  // Five different names are enough, four are not.
  CHECK(runs_of({{"a1 = 1 a2 = 1 a3 = 1 a4 = 1 a5"}}).size() == 1);
  CHECK(runs_of({{"a1 = 1 a2 = 1 a3 = 1 a4 = 1 a1"}}).size() == 0);
}

}  // namespace excluded_runs_test
