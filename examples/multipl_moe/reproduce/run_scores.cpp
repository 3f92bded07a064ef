#include "multipl_moe/reproduce/run_scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/reproduce/table_file.hpp"

namespace multipl_moe::reproduce {

std::vector<double> ExerciseScores::by_problem(std::span<const Language> languages) const {
  std::vector<double> means(problems.size());
  for (const Language language : languages) {
    const std::vector<double>& scores = pass[index_of(language)];
    if (scores.size() != means.size()) return {};
    for (std::size_t i = 0; i < means.size(); ++i) means[i] += scores[i] / static_cast<double>(languages.size());
  }
  return means;
}

bool RunScores::has_bits() const {
  return std::any_of(bits_per_byte.begin(), bits_per_byte.end(), [](const auto& bits) { return bits.has_value(); });
}

std::optional<double> RunScores::bits_of(std::span<const Language> languages) const {
  double sum = 0;
  for (const Language language : languages) {
    if (!bits_per_byte[index_of(language)]) return std::nullopt;
    sum += *bits_per_byte[index_of(language)];
  }
  return languages.empty() ? std::nullopt : std::optional(sum / static_cast<double>(languages.size()));
}

ExerciseScores parse_problems(std::string_view text, const std::filesystem::path& path) {
  struct Row {
    double pass = 0;
    std::string level, stratum;
  };
  std::array<std::map<std::string, Row>, language_count> found;
  for_each_row(text, path, "benchmark,language,name,family,level,stratum,n,c", [&](const TableRow& row) {
    const std::int64_t n = row.count(6), c = row.count(7);
    if (n < 1 || c > n) row.refuse("must have at least one sample and no more that pass");
    const Language language = row.language(1);
    const double pass = static_cast<double>(c) / static_cast<double>(n);
    if (!found[index_of(language)].emplace(row[2], Row{pass, row[4], row[5]}).second)
      row.refuse(fmt::format("must have a problem of another name, found '{}' again", escaped(row[2], 80)));
  });
  ExerciseScores scores;
  for (const Language language : all_languages) {
    const auto& of_language = found[index_of(language)];
    if (of_language.empty()) continue;
    std::vector<std::string> names, levels, strata;
    for (const auto& [name, row] : of_language) {
      names.push_back(name);
      levels.push_back(row.level);
      strata.push_back(row.stratum);
      scores.pass[index_of(language)].push_back(row.pass);
    }
    if (!scores.problems.empty() && names != scores.problems)
      throw BadFile(
          path, fmt::format("must have the same problems in every language, found others in {}", title_of(language)));
    scores.problems = std::move(names);
    scores.levels = std::move(levels);
    scores.strata = std::move(strata);
  }
  if (scores.problems.empty()) throw BadFile(path, "must have at least one problem, found none");
  return scores;
}

std::array<std::optional<double>, language_count> parse_bits(std::string_view text, const std::filesystem::path& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  std::array<std::optional<double>, language_count> bits;
  for (const Language language : all_languages) {
    const std::string name(name_of(language));
    if (!json.is_object() || !json.contains(name)) continue;
    const auto& of_language = json[name];
    if (!of_language.is_object() || !of_language.contains("bits_per_byte") || !of_language["bits_per_byte"].is_number())
      throw BadFile(path, fmt::format("must have the number bits_per_byte for {}", title_of(language)));
    bits[index_of(language)] = of_language["bits_per_byte"].get<double>();
  }
  return bits;
}

}  // namespace multipl_moe::reproduce
