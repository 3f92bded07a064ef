#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "multipl_moe/reproduce/score_items.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The differences to the base, of the seeds that both were scored with.
Cell change_of(const SeedScores& runs, const SeedScores& base, std::string_view group) {
  Cell change;
  for (const auto& [seed, run] : runs) {
    const auto of_base = base.find(seed);
    if (of_base == base.end()) continue;
    const Cell after = cell_of({{seed, run}}, group, Track::exercises);
    const Cell before = cell_of({{seed, of_base->second}}, group, Track::exercises);
    if (!after.values.empty() && !before.values.empty())
      change.values.push_back(after.values.front() - before.values.front());
  }
  return change;
}

Cell papers_change(std::string_view item, std::string_view system, std::string_view group) {
  const Cell a = papers_mean(item, system, "humaneval", group), b = papers_mean(item, "base", "humaneval", group);
  if (a.values.empty() || b.values.empty()) return {};
  return {{a.values.front() - b.values.front()}, 0};
}

/// A point for each seed, with a color and a shape for each system.
Picture scatter_of(const Item& item, const ScoreMatrix& matrix) {
  Picture picture{.name = item.name, .width = 900, .height = 560, .data = {}, .commands = {}};
  std::string plots;
  double least_high = 0, most_high = 0, least_low = 0, most_low = 0;
  std::size_t number = 0;
  for (const ScoreRow& row : matrix.rows) {
    const std::vector<double>&high = row.cells[0].values, &low = row.cells[1].values;
    if (high.size() != low.size()) continue;
    std::string points;
    for (std::size_t i = 0; i < high.size(); ++i) {
      points += fmt::format("{:.6g} {:.6g}\n", high[i], low[i]);
      least_high = std::min(least_high, high[i]), most_high = std::max(most_high, high[i]);
      least_low = std::min(least_low, low[i]), most_low = std::max(most_low, low[i]);
    }
    picture.data += fmt::format("$system{} << EOD\n{}EOD\n", number, points);
    // Five filled shapes and six colors: no two of thirty systems are alike.
    constexpr int shapes[] = {7, 5, 9, 13, 11}, papers_shapes[] = {6, 4, 8, 12, 10};
    const auto shape = number % std::size(shapes);
    plots += fmt::format("{}$system{} using 1:2 with points pt {} ps 1.1 lc rgb '#{}' title {}",
                         plots.empty() ? "" : ", ", number, row.is_papers() ? papers_shapes[shape] : shapes[shape],
                         row.is_papers() ? papers_color : series_colors[number % std::size(series_colors)],
                         plot_text(row.is_papers() ? row.title + ", the paper's" : row.title));
    ++number;
  }
  const auto range = [](double least, double most) {
    const double space = 0.08 * (most - least) + 0.5;
    return fmt::format("[{:.6g}:{:.6g}]", least - space, most + space);
  };
  picture.commands = fmt::format(
      "set title {}\nset xlabel 'high-resource languages: change of pass@1, points'\n"
      "set ylabel 'low-resource languages: change, points'\nset key outside right top Left reverse samplen 1\n"
      "set tics out nomirror scale 0.4\nset border 3 lc rgb '#888888'\nset xtics tc rgb 'black'\n"
      "set ytics tc rgb 'black'\nset grid lt 1 lw 1 lc rgb '#dddddd'\nset xrange {}\nset yrange {}\n"
      "set xzeroaxis lt 1 lw 1.5 lc rgb '#888888'\nset yzeroaxis lt 1 lw 1.5 lc rgb '#888888'\nplot {}\n",
      plot_text(item.title), range(least_high, most_high), range(least_low, most_low), plots);
  return picture;
}

}  // namespace

std::vector<Item> gain_items(const AllScores& scores) {
  const auto base = scores.find("base");
  if (base == scores.end()) return {};
  ScoreMatrix matrix{.columns = {{"change on high", "high", "change"},
                                 {"change on low", "low", "change"},
                                 {"change on all", "all", "change"}},
                     .rows = {}};
  matrix.add_systems(
      scores, [](std::string_view name) { return name != "base"; },
      [&](const SeedScores& runs, const ScoreColumn& column) {
        return change_of(runs, base->second, column.languages);
      });
  if (matrix.rows.empty()) return {};
  for (const std::string system : {"multipl-moe", "without-segments", "without-shared", "without-both"})
    matrix.add(system, title_of_system(system), "humaneval",
               [&](const ScoreColumn& column) { return papers_change("table2", system, column.languages); });
  Item item = item_of("gains", "Forgetting against gain: change over the base model",
                      "A point for each system and seed: left of the upright line a system has forgotten high-resource "
                      "languages, above the level one it has gained on low-resource ones. Points of pass@1." +
                          std::string(papers_note),
                      matrix);
  item.picture = scatter_of(item, matrix);
  return {item};
}

}  // namespace multipl_moe::reproduce
