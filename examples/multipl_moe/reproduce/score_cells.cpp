#include "multipl_moe/reproduce/score_cells.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

std::vector<std::string_view> table_groups() {
  std::vector<std::string_view> names;
  for (const Language language : all_languages) names.push_back(name_of(language));
  for (const std::string_view group : {"high", "low", "all"}) names.push_back(group);
  return names;
}

Cell cell_of(const SeedScores& runs, std::string_view group, Track track) {
  if (track == Track::exercises) return cell_of(runs, group, [](const auto&, std::size_t) { return true; });
  const auto languages = languages_of_group(group);
  Cell cell;
  for (const auto& [seed, run] : runs) {
    const auto bits = run.bits_of(languages);
    if (bits) cell.values.push_back(*bits);
  }
  return cell;
}

Cell cell_of(const SeedScores& runs, std::string_view group, const ProblemFilter& counts) {
  const auto languages = languages_of_group(group);
  Cell cell;
  for (const auto& [seed, run] : runs) {
    std::vector<double> counted;
    if (run.exercises) {
      const auto scores = run.exercises->by_problem(languages);
      for (std::size_t i = 0; i < scores.size(); ++i)
        if (counts(*run.exercises, i)) counted.push_back(scores[i]);
    }
    if (counted.empty()) continue;
    cell.values.push_back(100 * statistics::mean_of(counted));
    cell.problems = std::ssize(counted);
  }
  return cell;
}

Cell Cell::times(double count) const {
  Cell sum = *this;
  sum.scale *= count;
  for (double& value : sum.values) value *= count;
  return sum;
}

std::string title_with_seeds(std::string_view title, std::size_t seeds, std::size_t planned) {
  return seeds < planned && seeds > 0 ? fmt::format("{}, {} of {} seeds", title, seeds, planned) : std::string(title);
}

std::string cell_text(const Cell& cell, Track track) {
  if (cell.values.empty()) return "-";
  const double mean = statistics::mean_of(cell.values);
  if (cell.problems > 0 && mean == 0)
    return fmt::format("below {:.1f}", 100 * cell.scale * (1 - std::pow(0.05, 1 / static_cast<double>(cell.problems))));
  const std::string text = track == Track::text ? fmt::format("{:.3f}", mean) : fmt::format("{:.1f}", mean);
  const auto deviation = statistics::deviation_of(cell.values);
  return deviation ? text + (track == Track::text ? fmt::format(" ± {:.3f}", *deviation)
                                                  : fmt::format(" ± {:.1f}", *deviation))
                   : text;
}

benchmark::Interval interval_of(const Cell& cell) {
  const double points = 100 * cell.scale;
  const benchmark::Interval share = benchmark::wilson_95(statistics::mean_of(cell.values) / points, cell.problems);
  return {points * share.low, points * share.high};
}

std::vector<std::pair<std::string, std::string>> scored_systems(const AllScores& scores) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, title] : all_models())
    if (scores.contains(name)) found.emplace_back(name, title);
  return found;
}

}  // namespace multipl_moe::reproduce
