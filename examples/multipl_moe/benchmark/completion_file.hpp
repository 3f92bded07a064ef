/// Files of completions: those of `evaluate`, HumanEval's samples and MultiPL-E's files, one a problem.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/benchmark/problem.hpp"

namespace multipl_moe::benchmark {

struct Completion {
  std::size_t problem = 0;      ///< index in the list of problems
  std::int64_t sample = 0;      ///< from 0, within the problem
  std::string text{};           ///< without the stop text
  std::string finish_reason{};  ///< stop, length or end_of_text; empty: unknown
  std::int64_t tokens = 0;      ///< 0: unknown
};

/// Reads completions of the given problems, one JSON object each: `name` and `completion`, optional `language`,
/// `sample`, `finish_reason` and `tokens`, cut at the problem's stop texts unless `cut` is false; or HumanEval's
/// `task_id` and `completion`, which is run as it is.
class CompletionReader {
 public:
  /// The problems must outlive the object.
  explicit CompletionReader(std::span<const Problem> problems);

  /// Without a sample's number the completions of a problem are numbered in their order. Throws JsonFault, also for a
  /// problem that is not known and for a sample that was read before.
  Completion read(const nlohmann::json& value);

 private:
  std::size_t problem_named(const std::string& name, std::optional<Language> language) const;

  std::span<const Problem> problems_;
  std::map<std::string, std::map<Language, std::size_t>, std::less<>> by_name_;
  std::map<std::size_t, std::set<std::int64_t>> samples_;
};

/// One completion a line. Throws BadFile with the line.
std::vector<Completion> parse_completions(std::string_view bytes, const std::filesystem::path& path,
                                          std::span<const Problem> problems);

/// A problem with its completions, in MultiPL-E's form.
struct CompletedProblem {
  Problem problem;
  std::vector<std::string> completions;
};
/// MultiPL-E's file of one problem: a JSON object with the problem and an array `completions`, which are run as they
/// are. Throws BadFile.
CompletedProblem parse_completed_problem(std::string_view bytes, const std::filesystem::path& path);

/// Whether `path` has MultiPL-E's form: a file .json or .json.gz, or a folder that has no completions.jsonl.
bool is_multipl_e(const std::filesystem::path& path);
/// Reads MultiPL-E's files in their order by name; results beside them are skipped. Throws BadFile, IoError.
std::vector<CompletedProblem> read_completed_problems(const std::filesystem::path& path);

/// Reads a file of lines (.jsonl, or .gz of it), or completions.jsonl of the folder of an earlier run. Throws as
/// parse_completions(), IoError.
std::vector<Completion> read_completions(const std::filesystem::path& path, std::span<const Problem> problems);

/// A line of completions.jsonl, without its end; with `cut` false if the completion holds a stop text.
std::string line_of(const Completion& completion, const Problem& problem);

inline constexpr const char* completions_name = "completions.jsonl";

}  // namespace multipl_moe::benchmark
