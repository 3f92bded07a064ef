#include "multipl_moe/cli/execute_completions.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "multipl_moe/benchmark/solvability.hpp"
#include "multipl_moe/cli/execution_progress.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

using benchmark::Completion;
using benchmark::Executed;
using benchmark::Problem;
using benchmark::Scored;

std::vector<Scored> execute_completions(const EvaluateFlags& flags, const benchmark::Toolchain& toolchain,
                                        const std::vector<Problem>& problems,
                                        const std::vector<Completion>& completions, EvaluationFolder& folder) {
  std::vector<Scored> scored;
  std::vector<benchmark::Task> tasks;
  for (const Completion& completion : completions) {
    const Problem& problem = problems[completion.problem];
    tasks.push_back({problem.language, program_of(problem, completion.text)});
    scored.push_back({completion, benchmark::program_hash(tasks.back().program), {}});
  }
  const auto begin = std::chrono::steady_clock::now();
  auto known = folder.open_results(problems, scored);
  ExecutionProgress progress(tasks.size(), flags.quiet);
  benchmark::ExecutionListener listener = progress.listener();
  std::size_t finished = 0;
  listener.done = [&](std::size_t i, const Executed& executed) {
    scored[i].executed = executed;
    folder.add(scored[i], problems[scored[i].completion.problem]);
    ++finished;
  };
  const auto results =
      execute(toolchain, benchmark::ResultCache(flags.cache), tasks, std::move(known), flags.jobs, listener);
  progress.finish();
  if (InterruptGuard::signal() != 0)
    throw Interrupted(InterruptGuard::signal(),
                      fmt::format("{} are saved; --resume continues", counted(finished, "new results")));
  for (std::size_t i = 0; i < scored.size(); ++i) scored[i].executed = results[i].value();
  if (!flags.quiet)
    notice("executed {} for {} in {}\n", counted(progress.ran(), "programs"), counted(tasks.size(), "completions"),
           short_duration(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
  return scored;
}

std::vector<bool> cannot_pass(const EvaluateFlags& flags, const benchmark::Toolchain& toolchain,
                              const std::vector<Problem>& problems, const std::vector<Scored>& scored) {
  std::vector<bool> result(problems.size(), true);
  for (const Scored& sample : scored)
    if (sample.executed.result.status != benchmark::Status::syntax_error) result[sample.completion.problem] = false;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < problems.size(); ++i)
    if (result[i]) open.push_back(i);
  ExecutionProgress progress(open.size(), /*quiet=*/true);
  const auto found = execute(toolchain, benchmark::ResultCache(flags.cache), aborting_tasks(problems, open), {},
                             flags.jobs, progress.listener());
  if (InterruptGuard::signal() != 0)
    throw Interrupted(InterruptGuard::signal(), "results are saved; --resume continues");
  for (std::size_t i = 0; i < open.size(); ++i)
    result[open[i]] = found[i].value().result.status == benchmark::Status::syntax_error;
  return result;
}

void report_timeouts(const std::vector<benchmark::LanguageScores>& scores) {
  std::int64_t first = 0, last = 0;
  for (const benchmark::LanguageScores& s : scores) {
    first += s.first_timeouts;
    last += s.statuses[index_of(benchmark::Status::timeout)];
  }
  if (first > 0)
    notice("{} exceeded a time limit while other programs ran; {} of them also alone\n", counted(first, "completions"),
           last);
}

}  // namespace multipl_moe
