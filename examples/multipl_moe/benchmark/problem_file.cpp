#include "multipl_moe/benchmark/problem_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/benchmark/json_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/gzip.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/json_lines.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe::benchmark {

namespace {

constexpr const char* problem_noun = "a problem";
constexpr const char* prompts_name = "prompts.jsonl";

/// HumanEval's own stop texts, for Python problems without any.
const std::vector<std::string>& python_stops() {
  static const std::vector<std::string> stops{"\nclass", "\ndef", "\n#", "\nif", "\nprint"};
  return stops;
}

Language language_of_problem(const nlohmann::json& value, std::string_view name) {
  if (const auto language = language_in(value, problem_noun)) return *language;
  if (name.starts_with("HumanEval/") || name.starts_with("Python/")) return Language::python;
  throw JsonFault({}, fmt::format("{} with a \"language\", found none", problem_noun));
}

/// The exercises' levels are numbers.
std::string level_of(const nlohmann::json& value) {
  const nlohmann::json* const level = field_of(value, {"level"});
  return level != nullptr && level->is_number_integer() ? level->dump() : text_or_empty(value, problem_noun, {"level"});
}

std::string entry_point_of(const nlohmann::json& value) {
  const std::string name = text_or_empty(value, problem_noun, {"entry_point"});
  const auto is_part = [](unsigned char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!std::all_of(name.begin(), name.end(), is_part))
    throw JsonFault(
        {}, fmt::format("{} whose \"entry_point\" is a function's name, found '{}'", problem_noun, escaped(name, 60)));
  return name;
}

/// The name of a file without the extensions of JSON lines.
std::string stem_of(std::string name) {
  for (const std::string_view extension : {".gz", ".jsonl", ".json"})
    if (name.ends_with(extension)) name.erase(name.size() - extension.size());
  return name;
}

}  // namespace

Problem problem_of(const nlohmann::json& value) {
  require_object(value, problem_noun);
  Problem problem;
  problem.name = name_in(value, problem_noun, {"name", "task_id"});
  problem.language = language_of_problem(value, problem.name);
  problem.prompt = text_in(value, problem_noun, {"prompt"});
  problem.tests = text_in(value, problem_noun, {"tests", "test"});
  problem.stop_tokens = texts_in(value, problem_noun, "stop_tokens");
  if (std::count(problem.stop_tokens.begin(), problem.stop_tokens.end(), "") > 0)
    throw JsonFault({}, fmt::format("{} whose \"stop_tokens\" are not empty, found an empty one", problem_noun));
  problem.canonical = text_or_empty(value, problem_noun, {"canonical_solution"});
  problem.family = text_or_empty(value, problem_noun, {"family"});
  problem.level = level_of(value);
  problem.stratum = text_or_empty(value, problem_noun, {"stratum"});
  const std::string entry_point = entry_point_of(value);
  if (problem.language != Language::python) return problem;
  if (!entry_point.empty()) problem.tests += fmt::format("\ncheck({})", entry_point);
  if (problem.stop_tokens.empty()) problem.stop_tokens = python_stops();
  return problem;
}

std::vector<Problem> parse_problems(std::string_view bytes, const std::filesystem::path& path) {
  std::vector<Problem> problems;
  std::map<std::pair<Language, std::string>, std::size_t> lines;
  for_each_json_line(bytes, path, [&](const nlohmann::json& value, std::size_t line) {
    Problem problem = problem_of(value);
    const auto [first, is_new] = lines.try_emplace({problem.language, problem.name}, line);
    if (!is_new)
      throw JsonFault(
          {}, fmt::format("{} with a name of its own, found '{}' ({}) again, which is also in line {}", problem_noun,
                          escaped(problem.name, 60), title_of(problem.language), first->second));
    problems.push_back(std::move(problem));
  });
  if (problems.empty()) throw BadFile(path, "must hold at least one problem, found none");
  return problems;
}

Benchmark read_benchmark(const std::filesystem::path& path) {
  std::filesystem::path file = path;
  if (std::filesystem::is_directory(path)) {
    file = path / prompts_name;
    if (!is_there(file) && is_there(path / (std::string(prompts_name) + ".gz"))) file += ".gz";
    if (!is_there(file))
      throw BadFile(
          path, fmt::format("must be a file of problems or a folder with {}, found a folder without it", prompts_name));
  }
  const std::string text = read_whole_text(file, largest_json_lines);
  const std::filesystem::path named = file == path ? path : std::filesystem::absolute(path).lexically_normal();
  std::string name = file == path ? stem_of(path.filename()) : named.filename().native();
  if (name.empty()) name = named.parent_path().filename();
  // It is written to CSV, JSON and TOML.
  Benchmark benchmark{valid_utf8(name), hash_of(text), parse_problems(text, file)};
  for (Problem& problem : benchmark.problems) problem.benchmark = benchmark.name;
  return benchmark;
}

}  // namespace multipl_moe::benchmark
