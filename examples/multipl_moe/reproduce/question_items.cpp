#include "multipl_moe/reproduce/question_items.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "multipl_moe/report/panel_grid.hpp"
#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

namespace {

/// A row of a table: values of languages, by seed.
struct MeasuredRow {
  std::string name, title;
  std::map<std::uint64_t, LanguageValues> seeds;
};

/// The mean over the languages of `group`, of each seed that has all of them.
Cell mean_of_group(const MeasuredRow& row, std::string_view group) {
  const auto languages = languages_of_group(group);
  Cell cell;
  for (const auto& [seed, values] : row.seeds) {
    double sum = 0;
    std::size_t found = 0;
    for (const Language language : languages)
      if (const auto value = values[index_of(language)]) {
        sum += *value;
        ++found;
      }
    if (found == languages.size()) cell.values.push_back(sum / static_cast<double>(found));
  }
  return cell;
}

/// An item with a column for each language and group of them, drawn by groups.
Item item_of_languages(const std::string& name, const std::string& title, const std::string& note,
                       const std::string& x_label, const std::vector<MeasuredRow>& rows, std::size_t planned,
                       const std::string& made_of) {
  ScoreMatrix matrix{.track = Track::text, .columns = {}, .rows = {}};
  for (const std::string_view group : table_groups()) {
    const auto languages = languages_of_group(group);
    matrix.columns.push_back(
        {std::string(languages.size() == 1 ? title_of(languages.front()) : group), std::string(group), "mean"});
  }
  for (const MeasuredRow& row : rows)
    matrix.add(row.name, title_with_seeds(row.title, row.seeds.size(), planned), "here",
               [&](const ScoreColumn& column) { return mean_of_group(row, column.languages); });
  Item item = item_of(name, title, note + " Bars are means over seeds, dots are seeds.", matrix, made_of);
  const std::size_t high = language_count, low = high + 1;
  item.picture = matrix_chart({.name = name,
                               .title = title,
                               .x_label = x_label,
                               .rows = {},
                               .series = {"high-resource", "low-resource"},
                               .panels = {}},
                              matrix, {{"mean of three languages", {high, low}}}, Papers::absent);
  return item;
}

/// The row with this name, which is added if it is new.
MeasuredRow& row_named(std::vector<MeasuredRow>& rows, const std::string& name, const std::string& title) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const MeasuredRow& row) { return row.name == name; });
  return found != rows.end() ? *found : rows.emplace_back(MeasuredRow{name, title, {}});
}

void add_lesions(std::vector<Item>& items, const ProbeTables& tables, std::size_t planned) {
  std::vector<MeasuredRow> rows;
  for (const auto& [system, seeds] : tables.lesions)
    for (const auto& [seed, lesions] : seeds)
      for (const Lesion& lesion : lesions)
        if (!lesion.place)
          row_named(rows, fmt::format("{}:{}", system, lesion.kind),
                    fmt::format("{} without {} experts", title_of_system(system), lesion.kind))
              .seeds[seed] = lesion.cost;
  if (rows.empty()) return;
  items.push_back(item_of_languages(
      "lesions", "What the experts are worth: bits per byte more without their outputs",
      "The outputs of all shared, all routed token, or all segment experts are set to 0, and the same held-out text of "
      "the exercises is scored again; routers select as before. Bits per byte of teacher-forced scores, which of "
      "the form that is not causal are no scores of a language model.",
      "bits per byte more", rows, planned, "exercises/seed-*/*/lesion/lesion.csv"));
}

void add_gates(std::vector<Item>& items, const ProbeTables& tables, std::size_t planned) {
  std::vector<MeasuredRow> rows;
  for (const auto& [system, seeds] : tables.gates)
    for (const auto& [seed, layers] : seeds)
      for (const auto& [layer, gates] : layers)
        row_named(rows, fmt::format("{}:layer-{}", system, layer),
                  fmt::format("{}, layer {}", title_of_system(system), layer))
            .seeds[seed] = gates;
  if (rows.empty()) return;
  items.push_back(item_of_languages(
      "bypass", "Is the shared expert bypassed: its mean gate after training",
      "Mean over held-out tokens, before the fusion of levels. Near 0 the router turns the frozen dense network down.",
      "mean gate of the shared expert", rows, planned, "exercises/seed-*/*/bypass/bypass.csv"));
}

/// The costs of single experts of one system and seed, as a heat map of experts and languages.
struct ExpertPanel {
  std::string title;
  std::vector<const Lesion*> experts;
};

std::string expert_name(const Lesion& lesion) {
  const std::size_t comma = lesion.place->find(',');
  return fmt::format("{} {} of layer {}", lesion.kind, lesion.place->substr(comma + 1), lesion.place->substr(0, comma));
}

Picture heat_maps(const Item& item, const std::vector<ExpertPanel>& panels) {
  std::size_t most = 1;
  double highest = 1e-3;
  for (const ExpertPanel& panel : panels) {
    most = std::max(most, panel.experts.size());
    for (const Lesion* expert : panel.experts)
      for (const auto& cost : expert->cost) highest = std::max(highest, cost.value_or(0));
  }
  constexpr int cell_width = 38, cell_height = 15;
  PanelGrid grid{.left = 170, .right = 110, .gap_x = 24};
  grid.arrange(panels.size(), 3);
  grid.panel_width = cell_width * static_cast<int>(language_count);
  grid.panel_height = cell_height * static_cast<int>(most);
  Picture picture{.name = item.name, .width = grid.width(), .height = grid.height(), .data = {}, .commands = {}};
  std::string languages;
  for (const Language language : all_languages)
    languages +=
        fmt::format("{}{} {}", languages.empty() ? "" : ", ", plot_text(title_of(language)), index_of(language));
  picture.commands =
      grid.title(item.title) +
      fmt::format(
          "set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')\n"
          "set cbrange [0:{:.4g}]\nset cblabel 'bits per byte more' offset 1.4,0\nunset key\n"
          "set xrange [-0.5:{}.5]\nset xtics ({}) font ',8'\nset tics out nomirror scale 0.4\n"
          "set colorbox user origin screen {:.5f},{:.5f} size screen {:.5f},{:.5f}\n",
          highest, language_count - 1, languages, static_cast<double>(grid.width() - grid.right + 16) / grid.width(),
          static_cast<double>(grid.bottom) / grid.height(), 14.0 / grid.width(),
          static_cast<double>(grid.height() - grid.top - grid.bottom) / grid.height());
  for (std::size_t p = 0; p < panels.size(); ++p) {
    const int number = static_cast<int>(p);
    std::string names, rows;
    for (std::size_t e = 0; e < panels[p].experts.size(); ++e) {
      names += fmt::format("{}{} {}", e == 0 ? "" : ", ", plot_text(expert_name(*panels[p].experts[e])), e);
      for (const auto& cost : panels[p].experts[e]->cost) rows += cost ? fmt::format("{:.5g} ", *cost) : "NaN ";
      rows += "\n";
    }
    picture.data += fmt::format("$costs{} << EOD\n{}EOD\n", p, rows);
    picture.commands +=
        grid.margins(number) +
        fmt::format(
            "set title {} offset 0,-0.6\nset yrange [{}.5:-0.5]\n{}"
            "plot $costs{} matrix using 1:2:3 with image pixels\n",
            plot_text(panels[p].title), panels[p].experts.size() - 1,
            grid.is_leftmost(number) ? fmt::format("set ytics ({}) font ',8'\n", names) : std::string("unset ytics\n"),
            p);
    if (p == 0) picture.commands += "unset colorbox\nunset label 1\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

/// The cost of an expert in the mean over the languages but one.
std::optional<double> cost_elsewhere(const Lesion& expert, Language language) {
  double sum = 0;
  std::size_t count = 0;
  for (const Language other : all_languages)
    if (other != language && expert.cost[index_of(other)]) {
      sum += *expert.cost[index_of(other)];
      ++count;
    }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

void add_experts(std::vector<Item>& items, const ProbeTables& tables) {
  Item item{.name = "experts",
            .title = "What one expert is worth to each language",
            .note =
                "The output of one routed expert of one layer is set to 0. The table has the expert that costs each "
                "language most: an expert of that language costs the others little. Experts have no identity across "
                "seeds. In the picture, costs below 0 have the color of 0.",
            .made_of = "exercises/seed-*/*/lesion/lesion.csv",
            .columns = {"system", "seed", "language", "costs most", "bits per byte more", "mean of the others",
                        "its share of the rows"},
            .rows = {},
            .csv = "system,seed,kind,layer,expert,language,cost,share\n",
            .picture = {}};
  std::vector<ExpertPanel> panels;
  for (const auto& [system, seeds] : tables.lesions)
    for (const auto& [seed, lesions] : seeds) {
      ExpertPanel panel{fmt::format("{}, seed {}", title_of_system(system), seed), {}};
      for (const Lesion& lesion : lesions)
        if (lesion.place && lesion.kind != "shared") panel.experts.push_back(&lesion);
      if (panel.experts.empty()) continue;
      for (const Language language : all_languages) {
        const std::size_t l = index_of(language);
        const auto cost = [l](const Lesion* expert) { return expert->cost[l].value_or(-HUGE_VAL); };
        const Lesion& costly = **std::max_element(panel.experts.begin(), panel.experts.end(),
                                                  [&](const Lesion* a, const Lesion* b) { return cost(a) < cost(b); });
        if (!costly.cost[l]) continue;
        const auto elsewhere = cost_elsewhere(costly, language);
        item.rows.push_back(
            {{title_of_system(system), fmt::to_string(seed), std::string(title_of(language)), expert_name(costly),
              fmt::format("{:.4f}", *costly.cost[l]), elsewhere ? fmt::format("{:.4f}", *elsewhere) : "-",
              costly.share[l] ? fmt::format("{:.1f} %", 100 * *costly.share[l]) : "-"}});
        for (const Lesion* expert : panel.experts)
          if (expert->cost[l])
            item.csv += fmt::format("{},{},{},{},{},{:.6g},{}\n", system, seed, expert->kind, *expert->place,
                                    name_of(language), *expert->cost[l],
                                    expert->share[l] ? fmt::format("{:.6g}", *expert->share[l]) : std::string());
      }
      panels.push_back(std::move(panel));
    }
  if (panels.empty()) return;
  item.picture = heat_maps(item, panels);
  items.push_back(std::move(item));
}

bool is_language(std::string_view name) {
  return std::any_of(all_languages.begin(), all_languages.end(), [&](Language l) { return name_of(l) == name; });
}

/// A measure by seed: of the random letters, or the mean over the texts of languages.
Cell leak_cell(const std::map<std::uint64_t, LeakMeasures>& seeds, bool is_of_languages,
               const std::function<std::optional<double>(const std::map<std::string, double>&)>& measure) {
  Cell cell;
  for (const auto& [seed, texts] : seeds) {
    std::vector<double> values;
    for (const auto& [text, of_text] : texts)
      if (const auto value = measure(of_text); value && is_language(text) == is_of_languages) values.push_back(*value);
    if (!values.empty()) cell.values.push_back(statistics::mean_of(values));
  }
  return cell;
}

/// The probability that luck gives a causal model its scores of random letters is at most 2^-x: a value of each seed,
/// whose mean says nothing of any of them.
constexpr const char* surprise = "surprise_bits";

void add_leak(std::vector<Item>& items, const ProbeTables& tables, std::size_t planned) {
  if (tables.letters.empty() && tables.code.empty()) return;
  using Measures = std::map<std::string, double>;
  const auto value_of = [](const Measures& of_text, const std::string& name, double scale) -> std::optional<double> {
    const auto found = of_text.find(name);
    return found == of_text.end() ? std::nullopt : std::optional(scale * found->second);
  };
  struct Column {
    std::string title, name;
    std::function<std::optional<double>(const Measures&)> measure;
  };
  const auto plain = [&](std::string title, std::string name, double scale = 1) {
    return Column{std::move(title), name, [=](const Measures& m) { return value_of(m, name, scale); }};
  };
  const std::vector<Column> columns{
      plain("x of each seed: probability for a causal model at most 2^-x", surprise),
      plain("accuracy, %", "accuracy", 100),
      plain("bits per byte", "bits_per_byte"),
      plain("predictions that change with later tokens, %", "changed", 100),
      plain("segments that change with their last half, %", "last_half", 100),
      plain("rows that change with other sequences, %", "neighbors", 100),
      {"bits per byte more with the own prefix alone", "hidden_bits", [&](const Measures& m) -> std::optional<double> {
         const auto claimed = value_of(m, "claimed", 1), decodable = value_of(m, "decodable", 1);
         return claimed && decodable ? std::optional(*decodable - *claimed) : std::nullopt;
       }}};
  Item item{
      .name = "leak",
      .title = "Does routing a segment by its own tokens leak the future?",
      .note =
          "Models that were trained on lines of 63 random hexadecimal digits, of which a causal model can know "
          "7.71 % of the next bytes and needs 3.9375 bits per byte at least, on average; and models that were "
          "trained on real code. An x of 20 or more is proof of a leak. Bars are the least x of the seeds, dots are "
          "seeds.",
      .made_of = "letters/seed-*/*/leak/leak.csv, text/seed-*/*/leak/leak.csv",
      .columns = {"system", "text"},
      .rows = {},
      .csv = "system,text,measure,mean,seeds\n",
      .picture = {}};
  for (const Column& column : columns) item.columns.push_back(column.title);
  RowChart chart{.name = item.name,
                 .title = item.title,
                 .x_label = "x: probability of such scores for a causal model at most 2^-x",
                 .rows = {},
                 .series = {""},
                 .panels = {{.title = "random letters", .bars_RS = {}, .papers_R = {}}}};
  for (const auto& [is_code, table] : {std::pair(false, &tables.letters), std::pair(true, &tables.code)})
    for (const auto& [system, seeds] : *table) {
      ItemRow row{
          {title_with_seeds(title_of_system(system), seeds.size(), planned), is_code ? "real code" : "random letters"}};
      for (const Column& column : columns) {
        const Cell cell = leak_cell(seeds, is_code, column.measure);
        const bool is_surprise = column.name == surprise;
        row.cells.push_back(is_surprise && !cell.values.empty() ? fmt::format("{:.1f}", fmt::join(cell.values, ", "))
                                                                : cell_text(cell, Track::text));
        if (cell.values.empty()) continue;
        item.csv += fmt::format("{},{},{},{},{:.6g}\n", system, is_code ? "code" : "letters", column.name,
                                is_surprise ? "" : fmt::format("{:.6g}", statistics::mean_of(cell.values)),
                                fmt::join(cell.values, " "));
        if (is_code || !is_surprise) continue;
        chart.rows.push_back(row.cells.front());
        chart.panels.front().bars_RS.push_back(
            {ChartBar{.value = *std::min_element(cell.values.begin(), cell.values.end()),
                      .low = {},
                      .high = {},
                      .dots = cell.values}});
      }
      item.rows.push_back(std::move(row));
    }
  if (!chart.rows.empty()) item.picture = row_chart(chart);
  items.push_back(std::move(item));
}

}  // namespace

std::vector<Item> probe_items(const ProbeTables& tables, std::size_t planned) {
  std::vector<Item> items;
  add_leak(items, tables, planned);
  add_gates(items, tables, planned);
  add_lesions(items, tables, planned);
  add_experts(items, tables);
  return items;
}

}  // namespace multipl_moe::reproduce
