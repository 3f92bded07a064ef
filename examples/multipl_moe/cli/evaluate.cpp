#include <fmt/format.h>

#include <memory>
#include <optional>

#include "multipl_moe/benchmark/multipl_e_export.hpp"
#include "multipl_moe/benchmark/scores.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/evaluate_check.hpp"
#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/cli/evaluation_folder.hpp"
#include "multipl_moe/cli/evaluation_problems.hpp"
#include "multipl_moe/cli/evaluation_settings.hpp"
#include "multipl_moe/cli/execute_completions.hpp"
#include "multipl_moe/cli/generate_completions.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/program_machine.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/interrupt.hpp"

namespace multipl_moe {

namespace {

/// The number of samples of each problem, at least the largest k of --pass-at.
std::int64_t samples_of(const EvaluateFlags& flags, const Selection& selection) {
  if (flags.completions.empty()) return flags.samples;
  const std::int64_t samples = require_same_samples(selection.problems, selection.completions, flags.completions);
  if (flags.pass_at.back() > samples)
    throw UsageError(
        fmt::format("[evaluate] --pass-at must be at most the number of samples of each problem, found k = "
                    "{} and {} in {}",
                    flags.pass_at.back(), counted(samples, "samples"), escaped(flags.completions)));
  return samples;
}

void run_evaluate(const EvaluateFlags& flags) {
  // Everything that can be missing is asked for before hours of generation, and before the folder is begun.
  if (!flags.model.empty()) require_usable(flags, "evaluate");
  const Selection selection = select_problems(flags);
  const std::vector<benchmark::Problem>& problems = selection.problems;
  const std::int64_t samples = samples_of(flags, selection);
  if (!flags.model.empty()) require_generation(flags, problems);
  std::optional<ProgramMachine> machine;
  if (!flags.generate_only) {
    warn_unsandboxed(flags);
    const MachineParts parts = find_machine_parts(flags, selection.languages());
    require_complete(parts);
    machine.emplace(parts, flags, /*anew=*/false);
    require_passed(machine->self_test());
    if (!flags.quiet) notice("{}\n", text_of(machine->self_test()));
  }
  EvaluationFolder folder(flags.output, evaluation_settings(flags, selection, machine ? &*machine : nullptr),
                          flags.resume);
  constexpr std::uint64_t bytes_per_sample = 16 << 10;
  require_free_disk(flags.output, bytes_per_sample * static_cast<std::uint64_t>(samples) * problems.size());

  std::vector<benchmark::Completion> completions =
      flags.completions.empty() ? generate_completions(flags, problems, folder) : selection.completions;
  write_completions(completions, problems, folder);
  if (flags.generate_only) {
    folder.finish();
    if (!flags.quiet)
      notice("wrote {}; evaluate --completions executes it\n",
             escaped((folder.path() / benchmark::completions_name).native()));
    return;
  }
  const auto scored = execute_completions(flags, machine->toolchain(), problems, completions, folder);
  const auto scores =
      scores_of(problems, scored, flags.pass_at, cannot_pass(flags, machine->toolchain(), problems, scored));
  folder.write("results.jsonl", results_text(problems, scored));
  folder.write("problems.csv", problems_csv(problems, scored));
  if (!flags.export_form.empty()) export_multipl_e(folder.path() / "multipl-e", problems, scored);
  folder.write("summary.csv", summary_csv(scores));
  folder.finish();
  report_timeouts(scores);
  fmt::print("{}\n", flags.json ? summary_json(scores) : summary_table(scores));
}

}  // namespace

void add_evaluate_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "evaluate",
      "Scores a model on a benchmark of programs: generates completions, runs each with its tests in a sandbox and "
      "computes pass@k. `eval` scores held-out text without running anything.");
  const auto flags = std::make_shared<EvaluateFlags>();
  const auto check = add_evaluate_options(command, *flags);
  command.callback([flags, check] {
    check();
    const InterruptGuard guard;
    try {
      if (flags->check)
        run_check(*flags);
      else
        run_evaluate(*flags);
    } catch (const sandbox::Cancelled&) {
      throw Interrupted(InterruptGuard::signal(), "nothing was scored");
    }
  });
}

}  // namespace multipl_moe
