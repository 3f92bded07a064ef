#include "multipl_moe/reproduce/probe_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/table_file.hpp"

namespace multipl_moe::reproduce {

std::vector<Lesion> parse_lesions(std::string_view text, const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 4> kinds{"none", "shared", "token", "segment"};
  std::vector<Lesion> lesions;
  for_each_row(text, path, "kind,layer,expert,language,bits_per_byte,cost,share", [&](const TableRow& row) {
    if (std::find(kinds.begin(), kinds.end(), row[0]) == kinds.end())
      row.refuse("must be of none, shared, token or segment experts");
    if (row[0] == kinds.front()) return;
    std::optional<std::string> place;
    if (!row[1].empty()) place = fmt::format("{},{}", row.count(1), row.count(2));
    auto lesion = std::find_if(lesions.begin(), lesions.end(),
                               [&](const Lesion& l) { return l.kind == row[0] && l.place == place; });
    if (lesion == lesions.end()) lesion = lesions.insert(lesions.end(), {row[0], place});
    const std::size_t language = index_of(row.language(3));
    if (lesion->cost[language]) row.refuse("must be the only one of its experts and language");
    lesion->cost[language] = row.number(5);
    if (!row[6].empty()) lesion->share[language] = row.number(6);
  });
  return lesions;
}

std::map<std::int64_t, LanguageValues> parse_gates(std::string_view text, const std::filesystem::path& path) {
  std::map<std::int64_t, LanguageValues> gates;
  std::string step;
  for_each_row(text, path, "step,layer,language,mean_gate", [&](const TableRow& row) {
    // Steps ascend; a later one replaces those before it.
    if (row[0] != step) gates.clear();
    step = row[0];
    gates[row.count(1)][index_of(row.language(2))] = row.number(3);
  });
  return gates;
}

LeakMeasures parse_leak(std::string_view text, const std::filesystem::path& path) {
  LeakMeasures measures;
  for_each_row(text, path, "text,measure,value,error,bound",
               [&](const TableRow& row) { measures[row[0]][row[1]] = row.number(2); });
  return measures;
}

ProbeTables read_probes(const Plan& plan, const std::filesystem::path& folder) {
  ProbeTables tables;
  for (const Stage& stage : plan.stages) {
    const auto run = run_stage_of(stage);
    if (!run) continue;
    const auto read = [&](auto& table, const char* name, const auto& parse) {
      constexpr std::uint64_t largest_table = std::uint64_t{16} << 20;
      const std::filesystem::path file = folder / stage.output / name;
      table[run->system][run->seed] = parse(read_whole_file(file, largest_table), file);
    };
    if (run->step == "lesion") read(tables.lesions, "lesion.csv", parse_lesions);
    if (run->step == "bypass") read(tables.gates, "bypass.csv", parse_gates);
    if (run->step == "leak") read(run->track == "text" ? tables.code : tables.letters, "leak.csv", parse_leak);
  }
  return tables;
}

}  // namespace multipl_moe::reproduce
