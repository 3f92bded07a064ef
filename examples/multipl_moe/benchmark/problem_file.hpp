/// Files of problems: MultiPL-E's prompts, OpenAI's HumanEval and the exercises of this program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/benchmark/problem.hpp"

namespace multipl_moe::benchmark {

struct Benchmark {
  std::string name;        ///< of the file without its extensions, or of the folder
  std::uint64_t hash = 0;  ///< XXH3 of the file's text
  std::vector<Problem> problems;
};

/// A problem: `name` (or `task_id`), `language`, `prompt`, `tests` (or `test`), `stop_tokens`, `canonical_solution`,
/// `family`, `level`, `stratum`. Other fields are ignored. A `task_id` of HumanEval ("HumanEval/0", "Python/0") names
/// Python; with an `entry_point`, a Python problem's tests are called with that function, as HumanEval's own script
/// does. Without stop texts Python gets those of HumanEval. Throws JsonFault.
Problem problem_of(const nlohmann::json& value);

/// One problem a line. Throws BadFile, with the line, if a field is missing or of another type, if a language is
/// unknown, or if a name occurs twice in a language.
std::vector<Problem> parse_problems(std::string_view bytes, const std::filesystem::path& path);

/// Reads a file (.jsonl, or .gz of it), or a folder with a file prompts.jsonl. Throws BadFile, IoError.
Benchmark read_benchmark(const std::filesystem::path& path);

}  // namespace multipl_moe::benchmark
