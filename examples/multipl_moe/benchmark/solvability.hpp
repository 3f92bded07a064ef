/// Whether a benchmark's problems can be solved with the compilers of this machine.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/benchmark/execution.hpp"
#include "multipl_moe/benchmark/problem.hpp"

namespace multipl_moe::benchmark {

/// What was found about one problem.
struct Solvability {
  Result aborting;                    ///< of a program whose function aborts
  std::optional<Result> canonical{};  ///< of the solution in the file, if there is one
  bool cannot_pass() const { return aborting.status == Status::syntax_error; }
  /// Whether the tests pass although the function aborts: they do not call it.
  bool tests_nothing() const { return aborting.status == Status::ok; }
};

/// The programs of aborting_completion() of the given problems.
std::vector<Task> aborting_tasks(std::span<const Problem> problems, std::span<const std::size_t> which);

/// Runs an aborting and, where there is one, the canonical completion of every problem. Empty if it was stopped.
std::vector<Solvability> check_solvability(const Toolchain& toolchain, const ResultCache& cache,
                                           std::span<const Problem> problems, int jobs,
                                           const ExecutionListener& listener);

/// A table by language, and a line for each problem that cannot pass, tests nothing, whose canonical solution fails or
/// whose tests are known to contradict one another.
std::string solvability_table(std::span<const Problem> problems, std::span<const Solvability> found);
/// The same as an array with an object for each benchmark and language.
nlohmann::ordered_json solvability_json(std::span<const Problem> problems, std::span<const Solvability> found);

}  // namespace multipl_moe::benchmark
