#include "multipl_moe/benchmark/solvability.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

namespace {

/// Problems that compile, but whose tests no function can pass, with the issue that reports it.
struct Contradiction {
  Language language;
  std::string_view name, issue;
};
constexpr std::array contradictions{Contradiction{Language::rust, "HumanEval_92_any_int", "nuprl/MultiPL-E#142"}};

std::string_view issue_of(const Problem& problem) {
  for (const Contradiction& known : contradictions)
    if (known.language == problem.language && known.name == problem.name) return known.issue;
  return {};
}

std::string line_of(const Problem& problem, const std::string& what) {
  return fmt::format("\n{} {} ({}): {}", escaped(problem.benchmark, 60), escaped(problem.name, 60),
                     title_of(problem.language), what);
}

struct Row {
  std::int64_t problems = 0, cannot_pass = 0, tests_nothing = 0, canonical = 0, canonical_passes = 0;
};

std::map<std::pair<std::string, Language>, Row> rows_of(std::span<const Problem> problems,
                                                        std::span<const Solvability> found) {
  std::map<std::pair<std::string, Language>, Row> rows;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const Solvability& s = found[i];
    Row& row = rows[{problems[i].benchmark, problems[i].language}];
    ++row.problems;
    row.cannot_pass += s.cannot_pass() ? 1 : 0;
    row.tests_nothing += s.tests_nothing() ? 1 : 0;
    row.canonical += s.canonical ? 1 : 0;
    row.canonical_passes += s.canonical && s.canonical->status == Status::ok ? 1 : 0;
  }
  return rows;
}

}  // namespace

std::vector<Task> aborting_tasks(std::span<const Problem> problems, std::span<const std::size_t> which) {
  std::vector<Task> tasks;
  for (const std::size_t i : which)
    tasks.push_back({problems[i].language, program_of(problems[i], aborting_completion(problems[i]))});
  return tasks;
}

std::vector<Solvability> check_solvability(const Toolchain& toolchain, const ResultCache& cache,
                                           std::span<const Problem> problems, int jobs,
                                           const ExecutionListener& listener) {
  std::vector<std::size_t> all(problems.size()), with_canonical;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    all[i] = i;
    if (!problems[i].canonical.empty()) with_canonical.push_back(i);
  }
  std::vector<Task> tasks = aborting_tasks(problems, all);
  for (const std::size_t i : with_canonical)
    tasks.push_back({problems[i].language, program_of(problems[i], problems[i].canonical)});
  const auto results = execute(toolchain, cache, tasks, {}, jobs, listener);
  std::vector<Solvability> found;
  for (const auto& result : results)
    if (!result) return found;
  for (std::size_t i = 0; i < problems.size(); ++i) found.push_back({results[i]->result});
  for (std::size_t c = 0; c < with_canonical.size(); ++c)
    found[with_canonical[c]].canonical = results[problems.size() + c]->result;
  return found;
}

std::string solvability_table(std::span<const Problem> problems, std::span<const Solvability> found) {
  std::string lines;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const Problem& problem = problems[i];
    const Result& aborting = found[i].aborting;
    if (found[i].cannot_pass())
      lines += line_of(problem, fmt::format("cannot pass, since prompt and tests do not compile: {}",
                                            escaped(aborting.err.empty() ? aborting.out : aborting.err, 160)));
    if (found[i].tests_nothing())
      lines += line_of(problem, "passes although its function aborts: the tests do not call it");
    if (const auto& own = found[i].canonical; own && own->status != Status::ok)
      lines += line_of(problem, fmt::format("the file's own solution gets the status {}", name_of(own->status)));
    if (const auto issue = issue_of(problem); !issue.empty())
      lines += line_of(problem, fmt::format("its tests contradict one another ({}), so it cannot pass", issue));
  }
  std::string text = fmt::format("{:<22} {:<7} {:>9} {:>12} {:>14} {:>20}", "", "", "problems", "cannot pass",
                                 "tests nothing", "own solution passes");
  for (const auto& [key, row] : rows_of(problems, found))
    text += fmt::format("\n{:<22} {:<7} {:>9} {:>12} {:>14} {:>20}", escaped(key.first, 22), title_of(key.second),
                        row.problems, row.cannot_pass, row.tests_nothing,
                        row.canonical == 0 ? "-" : fmt::format("{} of {}", row.canonical_passes, row.canonical));
  return text + lines;
}

nlohmann::ordered_json solvability_json(std::span<const Problem> problems, std::span<const Solvability> found) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [key, row] : rows_of(problems, found))
    rows.push_back({{"benchmark", key.first},
                    {"language", multipl_moe::name_of(key.second)},
                    {"problems", row.problems},
                    {"cannot_pass", row.cannot_pass},
                    {"tests_nothing", row.tests_nothing},
                    {"canonical", row.canonical},
                    {"canonical_passes", row.canonical_passes}});
  return rows;
}

}  // namespace multipl_moe::benchmark
