#include "multipl_moe/reproduce/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/routing_verdicts.hpp"

namespace multipl_moe::reproduce {

namespace {

using statistics::Comparison;

/// What an advantage must exceed, and by how much the estimate must.
struct Rule {
  double sign = 1;   ///< of the claimed advantage
  double bound = 0;  ///< in the claimed direction
  double margin = 0;
  double side = 1;  ///< of the bound that the claim says; -1: below
};

Rule rule_of(const Claim& claim, Track track) {
  const double margin = track == Track::exercises ? claim.margin : claim.text_margin;
  switch (claim.direction) {
    case Direction::worse:
      return {-1, 0, margin};
    case Direction::kept:
      return {1, -margin, 0};
    case Direction::above:
      return {1, claim.margin, 0};
    case Direction::below:
      return {1, claim.margin, 0, -1};
    default:
      return {1, 0, margin};
  }
}

/// The scores of two systems, by the seeds that both were scored with.
using Pairs = std::vector<std::pair<const RunScores*, const RunScores*>>;

Pairs pairs_of(const AllScores& scores, const std::string& a, const std::string& b, Track track) {
  const auto has_scores = [track](const RunScores& run) {
    return track == Track::text ? run.has_bits() : run.exercises.has_value();
  };
  Pairs pairs;
  const auto in_a = scores.find(a), in_b = scores.find(b);
  if (in_a == scores.end() || in_b == scores.end()) return pairs;
  for (const auto& [seed, of_a] : in_a->second) {
    const auto of_b = in_b->second.find(seed);
    if (of_b != in_b->second.end() && has_scores(of_a) && has_scores(of_b->second))
      pairs.emplace_back(&of_a, &of_b->second);
  }
  return pairs;
}

std::optional<Comparison> compare_exercises(const Pairs& pairs, std::span<const Language> languages, const Rule& rule,
                                            std::int64_t resamples) {
  std::vector<double> a, b;
  std::size_t problems = 0;
  for (const auto& [of_a, of_b] : pairs) {
    if (of_a->exercises->problems != of_b->exercises->problems)
      throw UsageError(
          "[reproduce] systems that are compared must be scored on the same problems, found different ones");
    const auto scores_a = of_a->exercises->by_problem(languages), scores_b = of_b->exercises->by_problem(languages);
    if (scores_a.empty() || scores_b.empty()) return std::nullopt;
    problems = scores_a.size();
    constexpr double points = 100;
    for (const double score : scores_a) a.push_back(rule.sign * points * score);
    for (const double score : scores_b) b.push_back(rule.sign * points * score);
  }
  return statistics::compare_by_problem(statistics::PairedDifferences(a, b, problems), rule.bound, resamples);
}

/// Fewer bits are better. With one seed there is an estimate, and no interval.
std::optional<Comparison> compare_text(const Pairs& pairs, std::span<const Language> languages, const Rule& rule) {
  std::vector<double> advantages;
  for (const auto& [of_a, of_b] : pairs) {
    const auto a = of_a->bits_of(languages), b = of_b->bits_of(languages);
    if (!a || !b) return std::nullopt;
    advantages.push_back(rule.sign * (*b - *a));
  }
  if (advantages.size() > 1) return statistics::compare_by_seed(advantages, rule.bound);
  Comparison alone;
  alone.mean = alone.low = alone.high = advantages.front();
  alone.seed_means = advantages;
  return alone;
}

/// Whether the differences lie beyond the bound on one side; `side` is 1 or -1.
bool is_beyond(const Comparison& c, double corrected_p, const Rule& rule, double side) {
  const double nearest = side > 0 ? c.low : c.high;
  return c.seed_means.size() > 1 && corrected_p < 0.05 && side * (nearest - rule.bound) > 0 &&
         side * (c.mean - rule.bound) > rule.margin &&
         std::all_of(c.seed_means.begin(), c.seed_means.end(),
                     [&](double mean) { return side * (mean - rule.bound) > 0; });
}

void conclude(JudgedComparison& judged, const Rule& rule, Track track, std::size_t tests) {
  const Comparison& c = *judged.advantage;
  judged.verdict = is_beyond(c, judged.corrected_p, rule, rule.side)    ? Verdict::shown
                   : is_beyond(c, judged.corrected_p, rule, -rule.side) ? Verdict::contradicted
                                                                        : Verdict::undecided;
  if (judged.verdict == Verdict::undecided && judged.seeds > 1 && track != Track::routing)
    judged.smallest_seen = rule.bound + smallest_difference_seen(c, rule.margin, tests);
}

Verdict verdict_of(const std::vector<JudgedComparison>& comparisons) {
  const auto any = [&](Verdict v) {
    return std::any_of(comparisons.begin(), comparisons.end(), [v](const auto& c) { return c.verdict == v; });
  };
  for (const Verdict verdict : {Verdict::contradicted, Verdict::not_measured, Verdict::undecided})
    if (any(verdict)) return verdict;
  return Verdict::shown;
}

JudgedClaim measured(const Claim& claim, Track track, const AllScores& scores, std::int64_t resamples) {
  JudgedClaim judged{&claim, track, Verdict::not_measured, {}};
  const Rule rule = rule_of(claim, track);
  for (const std::string& b : claim.b)
    for (const std::string& group : claim.languages) {
      JudgedComparison comparison;
      comparison.b = b;
      comparison.languages = group;
      const auto languages = languages_of_group(group);
      const Pairs pairs = pairs_of(scores, track == Track::text ? claim.text_a : claim.a, b, track);
      if (!pairs.empty()) {
        comparison.seeds = pairs.size();
        comparison.advantage = track == Track::text ? compare_text(pairs, languages, rule)
                                                    : compare_exercises(pairs, languages, rule, resamples);
      }
      judged.comparisons.push_back(std::move(comparison));
    }
  return judged;
}

/// Corrects the p of all comparisons of a family and track, and concludes.
void correct_and_conclude(std::span<JudgedClaim*> family) {
  std::vector<double> p;
  for (const JudgedClaim* claim : family)
    for (const JudgedComparison& c : claim->comparisons)
      if (c.advantage) p.push_back(c.advantage->p);
  const std::vector<double> corrected = statistics::holm(p);
  auto next = corrected.begin();
  for (JudgedClaim* claim : family) {
    for (JudgedComparison& c : claim->comparisons)
      if (c.advantage) {
        c.corrected_p = *next++;
        conclude(c, rule_of(*claim->claim, claim->track), claim->track, p.size());
      }
    claim->verdict = verdict_of(claim->comparisons);
  }
}

}  // namespace

double bound_of(const Claim& claim, Track track) { return rule_of(claim, track).bound; }

std::vector<JudgedClaim> judge(std::span<const Claim> claims, const AllScores& scores, const AllRouting& routing,
                               std::int64_t resamples) {
  std::vector<JudgedClaim> judged;
  for (const Claim& claim : claims) {
    if (claim.measure != Measure::score) {
      judged.push_back({&claim, Track::routing, Verdict::not_measured, measure_routing(claim, routing, resamples)});
      continue;
    }
    judged.push_back(measured(claim, Track::exercises, scores, resamples));
    if (!claim.text_a.empty()) judged.push_back(measured(claim, Track::text, scores, resamples));
  }
  std::map<std::pair<std::string_view, Track>, std::vector<JudgedClaim*>> families;
  for (JudgedClaim& claim : judged) families[{claim.claim->family, claim.track}].push_back(&claim);
  for (auto& [unused, family] : families) correct_and_conclude(family);
  return judged;
}

std::string_view name_of(Track track) {
  return track == Track::exercises ? "exercises" : track == Track::text ? "real code" : "routing";
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::shown:
      return "shown";
    case Verdict::contradicted:
      return "contradicted";
    case Verdict::undecided:
      return "undecided";
    case Verdict::not_measured:
      break;
  }
  return "not measured";
}

}  // namespace multipl_moe::reproduce
