#include "multipl_moe/reproduce/routing_verdicts.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/reproduce/result_tables.hpp"
#include "multipl_moe/statistics/draws.hpp"
#include "support/catch.hpp"

namespace routing_verdicts_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t resamples = 199;

/// Two layers whose tokens and segments of a language prefer the expert of its number with this probability, and are
/// otherwise drawn evenly from the other three; 12 sequences of a language with 40 tokens and 4 segments.
RoutedLayers planted(std::uint64_t seed, double by_language) {
  RoutedLayers layers;
  statistics::Draws draws(seed, 11);
  for (const std::int64_t number : {0, 1})
    for (const Language language : all_languages)
      for (int i = 0; i < 12; ++i) {
        const auto drawn = [&] {
          const bool is_own = static_cast<double>(draws.below(1000)) < 1000 * by_language;
          return is_own ? index_of(language) % 4 : static_cast<std::size_t>(draws.below(4));
        };
        RoutedSequence tokens{language, std::vector<double>(4), {}}, segments{language, std::vector<double>(4), {}};
        for (int token = 0; token < 40; ++token) ++tokens.experts[drawn()];
        // Two experts take the first position, one the second, none the others.
        segments.segments = {{drawn(), drawn()}, {drawn()}, {}, {}};
        layers[number].token.push_back(tokens);
        layers[number].segment.push_back(segments);
      }
  return layers;
}

AllRouting routing_of(std::size_t seeds, double by_language) {
  AllRouting routing;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) routing["m"][seed] = planted(seed, by_language);
  return routing;
}

JudgedClaim judged(const std::string& measure, const std::string& direction, const std::string& languages,
                   double margin, const AllRouting& routing) {
  // The claims outlive what points to them.
  static std::vector<std::vector<Claim>> kept;
  kept.push_back(parse_claims(
      fmt::format("[c]\nsentence = \"s\"\nsource = \"Figure 3\"\nfamily = \"f\"\nmeasure = \"{}\"\ndirection = \"{}\"\n"
                  "a = \"m\"\nlanguages = [{}]\nlayer = \"bottom\"\nmargin = {}\n",
                  measure, direction, languages, margin),
      "claims.toml"));
  return judge(kept.back(), {}, routing, resamples).at(0);
}

}  // namespace

TEST_CASE("routing by language is shown, and routing without it contradicted", "[reproduce][routing]") {
  for (const std::string measure : {"expert-information", "segment-information"}) {
    CAPTURE(measure);
    const JudgedClaim by_language = judged(measure, "above", "\"all\"", 0.05, routing_of(3, 0.8));
    CHECK(by_language.verdict == Verdict::shown);
    CHECK(by_language.track == Track::routing);
    const JudgedComparison& c = by_language.comparisons.at(0);
    CHECK(c.seeds == 3);
    CHECK(c.advantage->mean > 0.5);
    // No p of a permutation is below one of all permutations.
    CHECK(c.advantage->p >= 1.0 / (resamples + 1));
    CHECK_THAT(c.note, ContainsSubstring("bits with permuted sequences, p 0.005"));
  }
  const JudgedClaim even = judged("expert-information", "above", "\"all\"", 0.05, routing_of(3, 0));
  CHECK(even.verdict == Verdict::contradicted);
  CHECK(even.comparisons.at(0).advantage->mean == Approx(0).margin(0.02));
  CHECK_FALSE(even.comparisons.at(0).smallest_seen);
}

TEST_CASE("a near even selection is shown below the margin, an uneven one contradicts it", "[reproduce][routing]") {
  const auto verdict = [](double by_language) {
    return judged("expert-spread", "below", "\"ruby\", \"go\"", 0.4, routing_of(3, by_language));
  };
  const JudgedClaim even = verdict(0);
  CHECK(even.verdict == Verdict::shown);
  CHECK(even.comparisons.size() == 2);
  CHECK(verdict(0.8).verdict == Verdict::contradicted);
  // A share of 0.8 + 0.05 of 4 experts.
  CHECK(verdict(0.8).comparisons.at(0).advantage->mean == Approx(0.85 * 4 - 1).margin(0.1));
}

TEST_CASE("positions that languages share are shown, with how certain they are", "[reproduce][routing]") {
  const JudgedClaim alike = judged("position-agreement", "above", "\"cpp\", \"go\", \"ruby\"", 0.5, routing_of(3, 0.5));
  CHECK(alike.verdict == Verdict::shown);
  REQUIRE(alike.comparisons.size() == 1);
  CHECK(alike.comparisons[0].languages == "cpp go ruby");
  CHECK(alike.comparisons[0].advantage->mean == 1);
  CHECK(alike.comparisons[0].note == "the same two positions in 100 % of resamples");
  AllRouting apart = routing_of(3, 0.5);
  for (auto& [seed, layers] : apart["m"])
    for (RoutedSequence& sequence : layers[0].segment)
      if (sequence.language == Language::go) std::reverse(sequence.segments.begin(), sequence.segments.end());
  // Of three pairs of languages one agrees.
  const JudgedClaim differing = judged("position-agreement", "above", "\"cpp\", \"go\", \"ruby\"", 0.5, apart);
  CHECK(differing.comparisons[0].advantage->mean == Approx(1 / 3.0));
  CHECK(differing.verdict == Verdict::contradicted);
}

TEST_CASE("one seed decides nothing about routing, and none measures nothing", "[reproduce][routing]") {
  for (const std::string measure : {"expert-information", "position-agreement"}) {
    const JudgedClaim one = judged(measure, "above", "\"all\"", 0.05, routing_of(1, 0.8));
    CHECK(one.verdict == Verdict::undecided);
    CHECK(one.comparisons.at(0).advantage->mean > 0.5);
    CHECK(judged(measure, "above", "\"all\"", 0.05, {}).verdict == Verdict::not_measured);
  }
  AllRouting without_go = routing_of(2, 0.8);
  std::erase_if(without_go["m"][1][0].token, [](const auto& sequence) { return sequence.language == Language::go; });
  CHECK(judged("expert-spread", "below", "\"go\"", 0.25, without_go).verdict == Verdict::not_measured);
  AllRouting other_text = routing_of(2, 0.8);
  other_text["m"][1][0].token.pop_back();
  CHECK_THROWS_WITH(judged("expert-information", "above", "\"all\"", 0.05, other_text),
                    ContainsSubstring("of the same text, found 72 and 71 sequences"));
}

TEST_CASE("the paper's claims about routing have rows in the report and in claims.csv", "[reproduce][routing]") {
  const std::vector<Claim> claims = parse_claims(claims_text, "claims.toml");
  AllRouting routing;
  routing["multipl-moe"] = routing_of(3, 0.8)["m"];
  const auto all = judge(claims, {}, routing, resamples);
  std::size_t measured = 0;
  for (const JudgedClaim& claim : all) measured += claim.verdict != Verdict::not_measured ? 1 : 0;
  CHECK(measured == 6);
  const std::string report = report_text({.scale = "small", .seeds = {0, 1, 2}}, {}, {}, all);
  CHECK_THAT(report, ContainsSubstring("| routing | **shown** | expert-information, bottom layer, all: ") &&
                         ContainsSubstring(", above 0.05 in 3 of 3 seeds; ") &&
                         ContainsSubstring("position-agreement, bottom layer, cpp go ruby: 1.000 ["));
  CHECK_THAT(claims_csv(all), ContainsSubstring("\nbottom-by-language,routing,shown,,all,shown,") &&
                                  ContainsSubstring("\nruby-and-go-even,routing,contradicted,,ruby,"));
}

}  // namespace routing_verdicts_test
