#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "multipl_moe/reproduce/html.hpp"
#include "multipl_moe/reproduce/report_page.hpp"
#include "multipl_moe/reproduce/result_tables.hpp"

namespace multipl_moe::reproduce {

namespace {

constexpr std::array verdicts{Verdict::shown, Verdict::contradicted, Verdict::undecided, Verdict::not_measured};

/// A mark that differs in shape, for readers who cannot tell the colors apart.
std::string_view mark_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::shown:
      return "\u2714";
    case Verdict::contradicted:
      return "\u2718";
    case Verdict::undecided:
      return "?";
    case Verdict::not_measured:
      break;
  }
  return "\u2013";
}

/// The name as part of a class.
std::string class_of(Verdict verdict) {
  std::string name(name_of(verdict));
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string badge_of(Verdict verdict) {
  return fmt::format("<span class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</span>", class_of(verdict),
                     mark_of(verdict), name_of(verdict));
}

/// The ends of a comparison's interval; of one seed the advantage alone.
std::pair<double, double> ends_of(const JudgedComparison& comparison) {
  const statistics::Comparison& c = *comparison.advantage;
  return comparison.seeds > 1 ? std::pair(c.low, c.high) : std::pair(c.mean, c.mean);
}

/// The greatest distance from 0 in a track, so that its bars have one scale.
double widest_of(const ReportPage& page, Track track) {
  double widest = 1e-9;
  for (const JudgedClaim& claim : page.judged)
    for (const JudgedComparison& comparison : claim.comparisons)
      if (claim.track == track && comparison.advantage) {
        const auto [low, high] = ends_of(comparison);
        widest = std::max({widest, std::abs(low), std::abs(high)});
      }
  return widest;
}

/// A line from 0 with the interval and its middle; the words beside it have the numbers.
std::string interval_bar(const JudgedComparison& comparison, double widest) {
  const auto [low, high] = ends_of(comparison);
  const auto place = [widest](double value) { return 80 + 75 * value / widest; };
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 160 14\" aria-hidden=\"true\"><path class=\"zero\" d=\"M80 0V14\"/>"
      "<path class=\"interval\" d=\"M{:.1f} 7H{:.1f}\"/><circle cx=\"{:.1f}\" cy=\"7\" r=\"3.5\"/></svg>",
      place(low), place(high), place(comparison.advantage->mean));
}

std::string claim_row(const ReportPage& page, const JudgedClaim& claim) {
  std::string text = fmt::format(
      "<li class=\"claim\" data-verdict=\"{}\"><div>{}</div><div><p>{}</p><p class=\"soft\">{}; {}; claim {}</p><ul>",
      class_of(claim.verdict), badge_of(claim.verdict), html_text(claim.claim->sentence), name_of(claim.track),
      html_text(claim.claim->source), html_text(claim.claim->id));
  for (const JudgedComparison& comparison : claim.comparisons) {
    // Measures of routing have units of their own, and are compared with their margin.
    const bool has_bar = comparison.advantage && claim.track != Track::routing;
    const std::string bar = has_bar ? interval_bar(comparison, widest_of(page, claim.track)) : std::string();
    text += "<li>" + bar + html_text(comparison_text(comparison, claim)) + "</li>";
  }
  return text + "</ul></div></li>\n";
}

}  // namespace

std::string verdict_counts(const ReportPage& page) {
  std::string text = "<ul class=\"counts\">";
  for (const Verdict verdict : verdicts) {
    const auto count = std::count_if(page.judged.begin(), page.judged.end(),
                                     [verdict](const JudgedClaim& claim) { return claim.verdict == verdict; });
    text += fmt::format("<li><strong>{}</strong> {}</li>", count, badge_of(verdict));
  }
  return text + "</ul>\n";
}

std::string claims_section(const ReportPage& page) {
  std::string measured, others;
  for (const Verdict verdict : verdicts)
    for (const JudgedClaim& claim : page.judged)
      if (claim.verdict == verdict) (verdict == Verdict::not_measured ? others : measured) += claim_row(page, claim);
  std::string text = "<ol class=\"claims\">" + measured + "</ol>\n";
  if (!others.empty())
    text += "<details><summary>Not measured, as not all of their systems were run</summary><ol class=\"claims\">" +
            others + "</ol></details>\n";
  return text;
}

}  // namespace multipl_moe::reproduce
