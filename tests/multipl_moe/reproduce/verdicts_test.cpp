#include "multipl_moe/reproduce/verdicts.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/statistics/draws.hpp"
#include "support/catch.hpp"

namespace verdicts_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t resamples = 400;
constexpr std::size_t problem_count = 120;

/// Scores of a system that passes a problem with this probability in low-resource languages and with 0.6 in the others.
/// Systems with another probability are made from the same draws, so they pass the same problems but for the
/// difference.
RunScores planted(std::uint64_t seed, double low, double bits = 3, double high = 0.6) {
  RunScores run;
  run.exercises.emplace();
  for (std::size_t i = 0; i < problem_count; ++i) run.exercises->problems.push_back(fmt::format("test_{:03}", i));
  statistics::Draws draws(seed, 7);
  for (const Language language : all_languages) {
    const bool is_low = resource_of(language) == Resource::low;
    for (std::size_t i = 0; i < problem_count; ++i)
      run.exercises->pass[index_of(language)].push_back(
          static_cast<double>(draws.below(1000)) < 1000 * (is_low ? low : high) ? 1 : 0);
    run.bits_per_byte[index_of(language)] = bits + 0.003 * static_cast<double>(seed);
  }
  return run;
}

std::map<std::uint64_t, RunScores> seeds_of(std::size_t count, double low, double bits = 3, double high = 0.6) {
  std::map<std::uint64_t, RunScores> runs;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    // Seeds of a training differ in what they learn.
    const double noise = 0.002 * static_cast<double>(seed) * (bits < 3 ? 1 : 2);
    runs[seed] = planted(seed, low, bits + noise, high);
  }
  return runs;
}

/// One claim, in this direction, about a and b in these languages.
std::string claim_text(const std::string& direction, const std::string& languages, int margin) {
  return fmt::format(
      "[c]\nsentence = \"s\"\nsource = \"Table 1\"\nfamily = \"table1\"\nmeasure = \"score\"\ndirection = \"{}\"\n"
      "a = \"a\"\nb = [\"b\"]\nlanguages = [\"{}\"]\nmargin = {}\ntext_a = \"a\"\ntext_margin = 0.01\n",
      direction, languages, margin);
}

std::vector<JudgedClaim> judged(const std::string& text, const AllScores& scores) {
  // The claims outlive what points to them.
  static std::vector<std::vector<Claim>> kept;
  kept.push_back(parse_claims(text, "claims.toml"));
  return judge(kept.back(), scores, {}, resamples);
}

}  // namespace

TEST_CASE("a copy of the base is undecided, a better system shown, a worse one contradicted", "[reproduce][verdicts]") {
  const auto base = seeds_of(3, 0.3);
  const auto verdict = [&](const std::map<std::uint64_t, RunScores>& system, std::size_t track) {
    return judged(claim_text("better", "low", 1), {{"a", system}, {"b", base}}).at(track);
  };
  for (const std::size_t track : {0u, 1u}) {
    CAPTURE(track);
    CHECK(verdict(base, track).verdict == Verdict::undecided);
    CHECK(verdict(seeds_of(3, 0.45, 2.8), track).verdict == Verdict::shown);
    CHECK(verdict(seeds_of(3, 0.15, 3.2), track).verdict == Verdict::contradicted);
  }
  const JudgedComparison better = verdict(seeds_of(3, 0.45, 2.8), 0).comparisons.at(0);
  CHECK(better.seeds == 3);
  CHECK(better.advantage->mean == Approx(15).margin(5));
  CHECK(better.advantage->low > 5);
  CHECK_FALSE(better.smallest_seen);
  CHECK(verdict(seeds_of(3, 0.45, 2.8), 1).comparisons.at(0).advantage->mean == Approx(0.2).margin(0.01));
}

TEST_CASE("an undecided claim says what would have been seen", "[reproduce][verdicts]") {
  // A system whose answers are independent of the base's, and equally good.
  std::map<std::uint64_t, RunScores> other;
  for (std::uint64_t seed = 0; seed < 3; ++seed) other[seed] = planted(seed + 100, 0.3);
  const auto claims = judged(claim_text("better", "low", 1), {{"a", other}, {"b", seeds_of(3, 0.3)}});
  const JudgedComparison& c = claims.at(0).comparisons.at(0);
  CHECK(claims.at(0).verdict == Verdict::undecided);
  REQUIRE(c.smallest_seen);
  // Three languages, 120 problems, three seeds: 2.8 standard errors. That of independent draws is sqrt(2 * 0.21 /
  // 1080), 2 points; resampling seeds and problems together triples its square, as seed and problem alone have no part
  // in it.
  CHECK(*c.smallest_seen == Approx(2.8 * 2 * 1.73).margin(2));
}

TEST_CASE("a performance is kept if a loss of the margin is excluded", "[reproduce][verdicts]") {
  const auto base = seeds_of(3, 0.3);
  const auto verdict = [&](double high) {
    return judged(claim_text("kept", "high", 5), {{"a", seeds_of(3, 0.3, 3, high)}, {"b", base}}).at(0).verdict;
  };
  CHECK(verdict(0.6) == Verdict::shown);  // a copy keeps all
  CHECK(verdict(0.8) == Verdict::shown);
  CHECK(verdict(0.4) == Verdict::contradicted);
  CHECK(verdict(0.55) == Verdict::undecided);
}

TEST_CASE("a claim that a system is worse is shown by a worse one", "[reproduce][verdicts]") {
  const auto base = seeds_of(3, 0.3);
  const auto judge_worse = [&](double low) {
    return judged(claim_text("worse", "low", 1), {{"a", seeds_of(3, low)}, {"b", base}}).at(0);
  };
  CHECK(judge_worse(0.1).verdict == Verdict::shown);
  CHECK(judge_worse(0.1).comparisons.at(0).advantage->mean > 10);
  CHECK(judge_worse(0.5).verdict == Verdict::contradicted);
  CHECK(judge_worse(0.3).verdict == Verdict::undecided);
}

TEST_CASE("one seed shows nothing, and one that differs in sign neither", "[reproduce][verdicts]") {
  const auto one = judged(claim_text("better", "low", 1), {{"a", seeds_of(1, 0.6, 2)}, {"b", seeds_of(1, 0.3)}});
  for (const JudgedClaim& claim : one) {
    CHECK(claim.verdict == Verdict::undecided);
    CHECK(claim.comparisons.at(0).advantage->mean > 0);
    CHECK_FALSE(claim.comparisons.at(0).smallest_seen);
  }
  auto mixed = seeds_of(3, 0.6);
  mixed[2] = planted(2, 0.29);
  CHECK(judged(claim_text("better", "low", 1), {{"a", mixed}, {"b", seeds_of(3, 0.3)}}).at(0).verdict ==
        Verdict::undecided);
}

TEST_CASE("a difference within the margin is not shown, however certain it is", "[reproduce][verdicts]") {
  const AllScores scores{{"a", seeds_of(3, 0.45, 2.8)}, {"b", seeds_of(3, 0.3)}};
  CHECK(judged(claim_text("better", "low", 1), scores).at(0).verdict == Verdict::shown);
  const JudgedClaim claim = judged(claim_text("better", "low", 40), scores).at(0);
  CHECK(claim.verdict == Verdict::undecided);
  CHECK(*claim.comparisons.at(0).smallest_seen > 40);
}

TEST_CASE("every comparison of a claim has to hold", "[reproduce][verdicts]") {
  const std::string text =
      "[c]\nsentence = \"s\"\nsource = \"x\"\nfamily = \"f\"\nmeasure = \"score\"\ndirection = \"better\"\n"
      "a = \"a\"\nb = [\"b\", \"d\"]\nlanguages = [\"low\", \"all\"]\nmargin = 1\n";
  const auto base = seeds_of(3, 0.3);
  const auto verdict = [&](double d) {
    return judged(text, {{"a", seeds_of(3, 0.6)}, {"b", base}, {"d", seeds_of(3, d)}}).at(0);
  };
  CHECK(verdict(0.3).comparisons.size() == 4);
  CHECK(verdict(0.3).verdict == Verdict::shown);
  CHECK(verdict(0.6).verdict == Verdict::undecided);
  CHECK(verdict(0.9).verdict == Verdict::contradicted);
  // p is corrected for all four.
  const JudgedClaim four = verdict(0.3);
  for (const JudgedComparison& c : four.comparisons) CHECK(c.corrected_p >= 4 * c.advantage->p - 1e-12);
}

TEST_CASE("systems are compared on the seeds that both have", "[reproduce][verdicts]") {
  const auto base = seeds_of(3, 0.3);
  auto better = seeds_of(3, 0.6, 2.8);
  better.erase(1);
  for (const std::size_t track : {0u, 1u}) {
    const JudgedClaim claim = judged(claim_text("better", "low", 1), {{"a", better}, {"b", base}}).at(track);
    CHECK(claim.comparisons.at(0).seeds == 2);
    CHECK(claim.comparisons.at(0).advantage->seed_means.size() == 2);
  }
  // A seed whose exercises were scored, and its real code was not yet.
  auto early = seeds_of(3, 0.6, 2.8);
  for (auto& bits : early[2].bits_per_byte) bits.reset();
  const auto claims = judged(claim_text("better", "low", 1), {{"a", early}, {"b", base}});
  CHECK(claims.at(0).comparisons.at(0).seeds == 3);
  CHECK(claims.at(1).comparisons.at(0).seeds == 2);
  CHECK(judged(claim_text("better", "low", 1), {{"a", {{7, planted(7, 0.6)}}}, {"b", base}}).at(0).verdict ==
        Verdict::not_measured);
}

TEST_CASE("a system without scores leaves its claims unmeasured, one with other problems is an error",
          "[reproduce][verdicts]") {
  CHECK(judged(claim_text("better", "low", 1), {{"b", seeds_of(3, 0.3)}}).at(0).verdict == Verdict::not_measured);
  auto without_go = seeds_of(3, 0.3);
  without_go[1].exercises->pass[index_of(Language::go)].clear();
  CHECK(judged(claim_text("better", "low", 1), {{"a", without_go}, {"b", seeds_of(3, 0.3)}}).at(0).verdict ==
        Verdict::not_measured);
  auto others = seeds_of(3, 0.3);
  others[0].exercises->problems[0] = "another";
  CHECK_THROWS_WITH(judged(claim_text("better", "low", 1), {{"a", others}, {"b", seeds_of(3, 0.3)}}),
                    ContainsSubstring("the same problems"));
}

TEST_CASE("the paper's claims about scores are judged on each track that they have", "[reproduce][verdicts]") {
  const std::vector<Claim> claims = parse_claims(claims_text, "claims.toml");
  AllScores scores{{"base", seeds_of(2, 0.3)}, {"multipl-moe", seeds_of(2, 0.6)}};
  const auto all = judge(claims, scores, {}, resamples);
  CHECK(all.size() == 12 + 8 + 6);
  for (const JudgedClaim& judged : all) {
    const bool is_measured = judged.claim->b == std::vector<std::string>{"base"} && judged.claim->a == "multipl-moe" &&
                             judged.track == Track::exercises;
    CAPTURE(judged.claim->id);
    CHECK((judged.verdict != Verdict::not_measured) == is_measured);
    if (judged.claim->id == "low-up" && is_measured) CHECK(judged.verdict == Verdict::shown);
  }
}

}  // namespace verdicts_test
