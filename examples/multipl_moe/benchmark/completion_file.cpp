#include "multipl_moe/benchmark/completion_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/benchmark/json_fields.hpp"
#include "multipl_moe/benchmark/problem_file.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/gzip.hpp"
#include "multipl_moe/io/json_lines.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

namespace {

constexpr const char* completion_noun = "a completion";
constexpr const char* file_noun = "a problem with completions";

std::string finish_reason_in(const nlohmann::json& value) {
  std::string reason = text_or_empty(value, completion_noun, {"finish_reason"});
  if (!reason.empty() && reason != "stop" && reason != "length" && reason != "end_of_text")
    throw JsonFault({}, fmt::format("{} whose \"finish_reason\" is stop, length or end_of_text, found '{}'",
                                    completion_noun, escaped(reason, 60)));
  return reason;
}

bool has_json_name(const std::filesystem::path& path) {
  const std::string name = path.filename();
  return name.ends_with(".json") || name.ends_with(".json.gz");
}

bool is_result(const std::filesystem::path& path) {
  return path.filename().native().find(".results.json") != std::string::npos;
}

}  // namespace

CompletionReader::CompletionReader(std::span<const Problem> problems) : problems_(problems) {
  for (std::size_t i = 0; i < problems.size(); ++i) by_name_[problems[i].name].emplace(problems[i].language, i);
}

std::size_t CompletionReader::problem_named(const std::string& name, std::optional<Language> language) const {
  const auto named = by_name_.find(name);
  if (named == by_name_.end())
    throw JsonFault(
        {}, fmt::format("{} of a problem in the benchmark, found the name '{}'", completion_noun, escaped(name, 60)));
  const auto& of_languages = named->second;
  if (!language && of_languages.size() > 1)
    throw JsonFault({}, fmt::format("{} with a \"language\", found none for '{}', which is a problem in {} languages",
                                    completion_noun, escaped(name, 60), of_languages.size()));
  const auto found = language ? of_languages.find(*language) : of_languages.begin();
  if (found == of_languages.end())
    throw JsonFault({}, fmt::format("{} of a problem in the benchmark, found '{}', which is not there in {}",
                                    completion_noun, escaped(name, 60), title_of(*language)));
  return found->second;
}

Completion CompletionReader::read(const nlohmann::json& value) {
  require_object(value, completion_noun);
  Completion completion;
  completion.problem =
      problem_named(name_in(value, completion_noun, {"name", "task_id"}), language_in(value, completion_noun));
  const Problem& problem = problems_[completion.problem];
  completion.text = text_in(value, completion_noun, {"completion"});
  const bool is_of_human_eval = field_of(value, {"name"}) == nullptr;
  if (!is_of_human_eval && flag_in(value, completion_noun, "cut").value_or(true))
    completion.text = cut_at_stop(completion.text, problem.stop_tokens);
  std::set<std::int64_t>& taken = samples_[completion.problem];
  completion.sample = count_in(value, completion_noun, "sample").value_or(std::ssize(taken));
  completion.finish_reason = finish_reason_in(value);
  completion.tokens = count_in(value, completion_noun, "tokens").value_or(0);
  if (!taken.insert(completion.sample).second)
    throw JsonFault({}, fmt::format("{} whose \"sample\" occurs once in a problem, found {} of '{}' again",
                                    completion_noun, completion.sample, escaped(problem.name, 60)));
  return completion;
}

std::vector<Completion> parse_completions(std::string_view bytes, const std::filesystem::path& path,
                                          std::span<const Problem> problems) {
  CompletionReader reader(problems);
  std::vector<Completion> completions;
  for_each_json_line(bytes, path,
                     [&](const nlohmann::json& value, std::size_t) { completions.push_back(reader.read(value)); });
  return completions;
}

CompletedProblem parse_completed_problem(std::string_view bytes, const std::filesystem::path& path) {
  const nlohmann::json value = parse_strict_json(bytes, path);
  try {
    require_object(value, file_noun);
    if (field_of(value, {"completions"}) == nullptr)
      throw JsonFault({}, fmt::format("{}, found no \"completions\"", file_noun));
    return {problem_of(value), texts_in(value, file_noun, "completions")};
  } catch (const JsonFault& fault) {
    throw BadFile(path, fmt::format("must be {}", fault.what()));
  }
}

bool is_multipl_e(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return !is_there(path / completions_name);
  return has_json_name(path);
}

std::vector<CompletedProblem> read_completed_problems(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (has_json_name(entry.path()) && !is_result(entry.path())) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.empty())
      throw BadFile(
          path, fmt::format("must hold {} or files .json or .json.gz of completions, found neither", completions_name));
  } else {
    files.push_back(path);
  }
  std::vector<CompletedProblem> problems;
  std::set<std::pair<Language, std::string>> names;
  for (const std::filesystem::path& file : files) {
    problems.push_back(parse_completed_problem(read_whole_text(file, largest_json_lines), file));
    const Problem& problem = problems.back().problem;
    if (!names.emplace(problem.language, problem.name).second)
      throw BadFile(file, fmt::format("must hold a problem with a name of its own, found '{}' ({}) again",
                                      escaped(problem.name, 60), title_of(problem.language)));
  }
  return problems;
}

std::vector<Completion> read_completions(const std::filesystem::path& path, std::span<const Problem> problems) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? path / completions_name : path;
  return parse_completions(read_whole_text(file, largest_json_lines), file, problems);
}

std::string line_of(const Completion& completion, const Problem& problem) {
  nlohmann::ordered_json line{
      {"name", problem.name},          {"language", name_of(problem.language)},     {"sample", completion.sample},
      {"completion", completion.text}, {"finish_reason", completion.finish_reason}, {"tokens", completion.tokens}};
  if (cut_at_stop(completion.text, problem.stop_tokens) != completion.text) line["cut"] = false;
  return line.dump();
}

}  // namespace multipl_moe::benchmark
