#include "bench/learn/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/learn/pictures.hpp"
#include "learn_samples.hpp"
#include "support/catch.hpp"

namespace page_test {

using namespace moe_bench;
using namespace moe_bench::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Adds runs of three seeds, with `bits` bits per byte on average and `seconds` seconds each.
void add_runs(Record& record, const std::string& strategy, double bits, double seconds, double peak,
              bool causal = true) {
  for (const std::int64_t seed : {0, 1, 2}) {
    const double own = bits + 0.01 * static_cast<double>(seed - 1);
    for (const std::int64_t step : {5, 10}) {
      StepLine line = sample_step(strategy, seed, step);
      line.seconds = seconds * static_cast<double>(step) / 10;
      line.held_out = own + 0.1 * static_cast<double>(10 - step);
      line.levels.front().peak = peak;
      record.steps.push_back(line);
    }
    ResultLine result = sample_result(strategy, seed, own);
    result.seconds = seconds;
    result.causal = causal;
    record.results.push_back(result);
  }
}

Record sample() {
  Record record{sample_setup(), {}, {}};
  add_runs(record, "random", 3.0, 1, 1.1);
  add_runs(record, "top", 2.5, 1.9, 3.25);
  add_runs(record, "close", 2.505, 4, 1.5);
  add_runs(record, "worse", 3.5, 3, 1.2);
  add_runs(record, "ahead", 2.0, 2, 1.0, false);
  return record;
}

std::string finding_with(const std::vector<std::string>& findings, const std::string& words) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const std::string& text) { return text.find(words) != std::string::npos; });
  return found == findings.end() ? "" : *found;
}

}  // namespace

TEST_CASE("findings are derived from the figures", "[bench][learn]") {
  const auto findings = findings_of(summaries_of(sample()));
  CHECK(finding_with(findings, "equal tokens") ==
        "**At equal tokens `top` learned most**: 2.500 ± 0.010 bits per byte, 0.005 below `close` (2.505 ± 0.010), the "
        "next, and better on 3 of 3 seeds. Within the spread over seeds `close` is as good.");
  // By then `top` has read a little more than half of its tokens, and the curves of the others have no point yet.
  CHECK_THAT(finding_with(findings, "equal time"),
             ContainsSubstring("`top` was best**: after 1.0 s, when `random`, the fastest, had read all its tokens, it "
                               "had reached 2.974 bits per byte") &&
                 ContainsSubstring("`random`, the next, 3.000"));
  CHECK(finding_with(findings, "Worth") ==
        "**Worth their cost**, fastest first: `random` (1.0 thousand tokens/s, 3.000), `top` (0.5 thousand tokens/s, "
        "2.500). All 2 others are beaten by one of these in both speed and bits per byte.");
  CHECK(finding_with(findings, "at random") ==
        "**Against routing at random** (`random`, 3.000 ± 0.010): 2 of 3 are better by more than the spread (`top` and "
        "`close`), 1 worse by as much (`worse`).");
  // Each curve has points after 500 and 1000 tokens.
  CHECK(finding_with(findings, "When better") ==
        "**When better than routing at random**, on the development text, by the means over seeds at 2 points of "
        "training: from 0.00 M tokens on `top` and `close`; not by the end `worse`.");
  CHECK_THAT(finding_with(findings, "Balance"),
             ContainsSubstring("`top` was worst, its busiest expert had 3.25 times") &&
                 ContainsSubstring("`ahead` was most even (1.00)") && ContainsSubstring("20.0 % of what was chosen"));
  CHECK_THAT(finding_with(findings, "Not in the ranking"), ContainsSubstring("`ahead` (2.000 ± 0.010)"));
  CHECK(finding_with(findings, "dense").empty());
}

TEST_CASE("a strategy overtakes another where its mean stays below", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  const auto add = [&](const char* strategy, std::vector<double> held_out) {
    record.results.push_back(sample_result(strategy, 0, held_out.back()));
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      StepLine line = sample_step(strategy, 0, static_cast<std::int64_t>(i) + 1);
      line.tokens = 1'000'000 * line.step;
      line.held_out = held_out[i];
      record.steps.push_back(line);
    }
  };
  add("random", {5, 4, 3, 2});
  add("late", {6, 5, 2.9, 1.9});
  add("early and back", {4, 3, 3.5, 2});
  add("twice", {4, 4.5, 3, 1.9});
  CHECK_THAT(finding_with(findings_of(summaries_of(record)), "When better"),
             ContainsSubstring("at 4 points of training: from 3.00 M tokens on `late`; from 4.00 M tokens on `twice`; "
                               "not by the end `early and back`."));
}

TEST_CASE("findings and pages exist for one run, for failures and for an empty record", "[bench][learn]") {
  Record record{sample_setup(), {}, {sample_result("one", 0, 2.5)}};
  CHECK(findings_of(summaries_of(record)) ==
        std::vector<std::string>{"**At equal tokens `one` learned most**: 2.500 bits per byte."});
  record.results.front().failure = "the loss was not finite";
  CHECK(findings_of(summaries_of(record)) == std::vector<std::string>{"`one` failed: the loss was not finite."});
  CHECK_THAT(study_page(record.setup, summaries_of(record), "command", "routing"),
             ContainsSubstring("No run has a valid result"));
  CHECK(findings_of({}).empty());
  CHECK(study_pictures({}).empty());
}

TEST_CASE("the page has every strategy, every language and the command", "[bench][learn]") {
  const std::string page = study_page(sample_setup(), summaries_of(sample()), "moe_bench learn --there", "folder");
  CHECK_THAT(page, ContainsSubstring("moe_bench learn --there") && ContainsSubstring("| strategy | Python | Go |") &&
                       ContainsSubstring("| `ahead` | 2.000 ± 0.010 |") && ContainsSubstring("how worse routes") &&
                       ContainsSubstring("](folder/results.png)") && ContainsSubstring("](folder/cost.png)") &&
                       ContainsSubstring("a CPU, 2 cores, 2 threads") && ContainsSubstring("(byte tokens, 2 layers"));
  StudySetup pieces = sample_setup();
  pieces.tokenizer = "tok";
  pieces.vocabulary = 2048;
  CHECK_THAT(study_page(pieces, summaries_of(sample()), "command", "folder"),
             ContainsSubstring("(a tokenizer of 2048 tokens, 2 layers"));
  // Best first.
  CHECK(page.find("| `ahead` |") < page.find("| `top` |"));
  CHECK(page.find("| `top` |") < page.find("| `worse` |"));
}

TEST_CASE("a page without times has no figure that depends on the speed of the study", "[bench][learn]") {
  Record record = sample();
  const auto page_of = [&](Times times) {
    return study_page(sample_setup(), summaries_of(record), "command", "folder", times);
  };
  const auto timed_page = page_of(Times::shown), page = page_of(Times::left_out);
  for (StepLine& step : record.steps) step.seconds *= 3;
  for (ResultLine& result : record.results) result.seconds *= 3;
  CHECK(page_of(Times::shown) != timed_page);
  CHECK(page_of(Times::left_out) == page);
  for (const char* absent : {"tokens/s", "cost.png", "seconds", "Worth"}) CHECK(page.find(absent) == std::string::npos);
  CHECK_THAT(page, ContainsSubstring("speeds and\ntimes are left out") &&
                       ContainsSubstring("| strategy | held-out bits per byte | busiest / mean |") &&
                       ContainsSubstring("| `ahead` | 2.000 ± 0.010 | 1.00 |"));
  std::vector<std::string> names;
  for (const auto& picture : study_pictures(ranked(summaries_of(record)), Times::left_out)) {
    names.push_back(picture.name);
    CHECK(page.find("(folder/" + picture.name + ".png)") != std::string::npos);
    CHECK(picture.commands.find("tokens/s") == std::string::npos);
  }
  CHECK(names == std::vector<std::string>{"results", "learning_by_tokens", "loads"});
}

TEST_CASE("pictures have one panel per strategy, and no loads if nothing is routed", "[bench][learn]") {
  Record record = sample();
  const auto names_of = [](const Record& of) {
    std::vector<std::string> names;
    for (const auto& picture : study_pictures(ranked(summaries_of(of)))) names.push_back(picture.name);
    return names;
  };
  CHECK(names_of(record) ==
        std::vector<std::string>{"results", "cost", "learning_by_tokens", "learning_by_seconds", "loads"});
  for (const auto& picture : study_pictures(ranked(summaries_of(record)))) {
    if (picture.name == "results" || picture.name == "cost") continue;
    for (const char* title : {"'top'", "'ahead *'", "'worse'"})
      CHECK_THAT(picture.commands, ContainsSubstring(std::string("set title ") + title));
  }
  for (StepLine& step : record.steps) step.levels.clear();
  CHECK(names_of(record) == std::vector<std::string>{"results", "cost", "learning_by_tokens", "learning_by_seconds"});
}

TEST_CASE("a picture plots quality against cost and connects the strategies of the front", "[bench][learn]") {
  const auto best_first = ranked(summaries_of(sample()));
  const auto pictures = study_pictures(best_first);
  const auto& cost = pictures[1];
  REQUIRE(cost.name == "cost");
  const auto place_of = [](const StrategySummary& s) {
    return fmt::format("{:.6g} {:.6g}", 1e6 / s.tokens_per_second.mean, s.bits_per_byte.mean);
  };
  for (std::size_t i = 0; i < best_first.size(); ++i) {
    CHECK_THAT(cost.data, ContainsSubstring(fmt::format("$s{} << EOD\n{} ", i, place_of(best_first[i]))));
    CHECK_THAT(cost.commands, ContainsSubstring(fmt::format("title '{}  {}", i + 1, best_first[i].name)));
  }
  std::string front;
  for (const std::string& name : worth_their_cost(best_first))
    for (const StrategySummary& s : best_first)
      if (s.name == name) front += place_of(s) + "\n";
  REQUIRE_FALSE(front.empty());
  CHECK_THAT(cost.data, ContainsSubstring("$front << EOD\n" + front + "EOD\n"));
}

TEST_CASE("axis labels do not overlap", "[bench][learn]") {
  Record record = sample();
  for (StepLine& step : record.steps) step.tokens *= 123'456;
  for (const auto& picture : study_pictures(ranked(summaries_of(record)))) {
    if (picture.name != "learning_by_tokens") continue;
    // 1000 x 123.456 tokens end at 123 456 thousand: three tics in 210 pixels, not one every 20 000.
    CHECK_THAT(picture.commands, ContainsSubstring("set xtics 50000 "));
  }
}

}  // namespace page_test
