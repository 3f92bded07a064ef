#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "moe/core/workers.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/shared_file.hpp"
#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/reproduce/items.hpp"
#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/published.hpp"
#include "multipl_moe/reproduce/report_page.hpp"
#include "multipl_moe/reproduce/result_tables.hpp"
#include "multipl_moe/reproduce/run_plan.hpp"
#include "multipl_moe/reproduce/stage_record.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

struct ReproduceFlags {
  reproduce::PlanOptions options;
  std::string output, publish;
  int jobs = 0;  ///< 0: usual_jobs()
  bool plan = false, json = false, report = false, resume = false, quiet = false;

  reproduce::MachineShare share() const {
    const int threads = moe::available_threads();
    return reproduce::MachineShare::of(jobs > 0 ? jobs : reproduce::usual_jobs(threads), threads);
  }
};

reproduce::Plan plan_of_flags(ReproduceFlags& flags) {
  // Stages run in the output folder.
  for (std::string& folder : flags.options.corpus) {
    if (!flags.plan && !is_there(folder))
      throw UsageError(
          fmt::format("[reproduce] --corpus must be a folder of source files, found nothing at '{}'", escaped(folder)));
    folder = fs::absolute(folder).lexically_normal().native();
  }
  return reproduce::plan_of(flags.options);
}

void print_plan(const ReproduceFlags& flags, const reproduce::Plan& plan) {
  const int jobs = flags.share().jobs;
  fmt::print("{}{}", flags.json ? reproduce::plan_json(plan, jobs) : reproduce::plan_text(plan, jobs),
             flags.json ? "\n" : "");
}

void run_stages(const ReproduceFlags& flags, const reproduce::Plan& plan, const fs::path& folder) {
  LiveLine line;
  const auto show = [&](const reproduce::Stage& stage, std::size_t number, const std::string& what, bool plain) {
    if (!flags.quiet)
      line.show(fmt::format("stage {}/{}  {}  {}", number, plan.stages.size(), stage.id, what), plain, false);
  };
  reproduce::RunListener listener;
  std::vector<std::string> running;
  listener.began = [&](const auto& stage, std::size_t number) {
    show(stage, number, running.empty() ? "runs" : fmt::format("runs beside {}", fmt::join(running, ", ")), false);
    running.push_back(stage.id);
  };
  listener.finished = [&](const auto& stage, std::size_t number, double seconds) {
    std::erase(running, stage.id);
    show(stage, number, short_duration(seconds), true);
  };
  listener.failed = [&](const auto& stage, std::size_t number, std::size_t) {
    std::erase(running, stage.id);
    show(stage, number, running.empty() ? "failed" : fmt::format("failed; waits for {}", fmt::join(running, ", ")),
         true);
  };
  listener.signal = [] { return InterruptGuard::signal(); };
  try {
    run_plan(plan, folder, "/proc/self/exe", flags.share(), listener);
  } catch (const reproduce::Stopped& stopped) {
    line.finish();
    throw Interrupted(stopped.signal,
                      "finished stages are kept; --resume continues, --report writes the report of them");
  }
  line.finish();
}

/// Writes the report of what is finished in `folder` to `output`, which may be the same; messages name `named`. Returns
/// report.md.
std::string write_report(const reproduce::Plan& plan, const fs::path& folder, const std::set<std::string>& finished,
                         const fs::path& output, const fs::path& named) {
  const auto claims = reproduce::parse_claims(reproduce::claims_text, "claims.toml");
  const auto scores = reproduce::read_scores(plan, folder, finished);
  const auto judged = reproduce::judge(claims, scores, reproduce::read_routing(plan, folder, finished));
  reproduce::Plan done = plan;
  std::erase_if(done.stages, [&](const reproduce::Stage& stage) { return !finished.contains(stage.id); });
  const auto items = reproduce::all_items(done, scores, folder);
  reproduce::write_items(output, items, named);
  const std::string text = reproduce::report_text(plan, finished, scores, judged) + "\n## Tables and figures\n\n" +
                           reproduce::items_list(items);
  // --report may be called while a run writes its own.
  write_shared_file(output / "scores.csv", reproduce::scores_csv(scores));
  write_shared_file(output / "claims.csv", reproduce::claims_csv(judged));
  write_shared_file(output / "report.md", text);
  write_shared_file(output / "report.html",
                    reproduce::report_page({.plan = plan,
                                            .finished = finished,
                                            .unfinished = reproduce::unfinished_text(plan, finished),
                                            .judged = judged,
                                            .items = items,
                                            .folder = output}));
  return text;
}

fs::path scale_file(const fs::path& folder) { return folder / "scale"; }

/// Throws UsageError if the folder holds a reproduction at another scale, whose stages would be mixed with those of
/// this one.
void require_scale(const ReproduceFlags& flags, const fs::path& folder) {
  constexpr std::uint64_t longest = 100;
  if (!is_there(scale_file(folder))) return;
  std::string begun = read_whole_file(scale_file(folder), longest);
  if (begun.ends_with('\n')) begun.pop_back();
  if (begun != flags.options.scale)
    throw UsageError(
        fmt::format("[reproduce] the reproduction in '{0}' was begun with --scale {1}, found --scale {2}; give "
                    "--scale {1}, or another --output",
                    escaped(flags.output), escaped(begun), flags.options.scale));
}

/// Throws UsageError for flags that contradict --report, or nothing to report of.
void require_reportable(const ReproduceFlags& flags) {
  for (const auto& [is_given, flag] : {std::pair(flags.plan, "--plan"), std::pair(flags.json, "--json"),
                                       std::pair(flags.resume, "--resume"), std::pair(flags.jobs > 0, "--jobs")})
    if (is_given)
      throw UsageError(fmt::format(
          "[reproduce] --report writes the report of finished stages and runs nothing, found {} with it", flag));
  if (flags.output.empty() || !is_there(fs::path(flags.output) / "stages"))
    throw UsageError(fmt::format("[reproduce] --report needs --output, the folder of a run, found {}",
                                 flags.output.empty() ? "none" : fmt::format("no run in '{}'", escaped(flags.output))));
  if (flags.publish.empty()) return;
  // A file within the output of a stage would change its hash, so that the stage runs again.
  const fs::path inside =
      fs::absolute(flags.publish).lexically_normal().lexically_relative(fs::absolute(flags.output).lexically_normal());
  if (!inside.empty() && *inside.begin() != "..")
    throw UsageError(fmt::format("[reproduce] --publish must lie outside of --output, found '{}' and '{}'",
                                 escaped(flags.publish), escaped(flags.output)));
  if (!is_unused(flags.publish))
    throw UsageError(
        fmt::format("[reproduce] --publish must be a new or an empty folder, found '{}'", escaped(flags.publish)));
}

/// Writes the report of a run whose stages are all finished. One of everything has also what an earlier run of
/// `--only bases` has left.
std::string report_run(const ReproduceFlags& flags, const reproduce::Plan& plan, const fs::path& folder) {
  std::set<std::string> finished;
  for (const reproduce::Stage& stage : plan.stages) finished.insert(stage.id);
  reproduce::PlanOptions everything = flags.options;
  everything.items.clear();
  everything.with_apart = true;
  const reproduce::Plan whole = reproduce::plan_of(everything);
  const reproduce::StageRecords records(folder);
  const bool has_others = std::any_of(whole.stages.begin(), whole.stages.end(), [&](const auto& stage) {
    return !finished.contains(stage.id) && records.has(stage);
  });
  if (has_others && flags.options.items.empty()) {
    auto all = reproduce::finished_stages(whole, folder);
    if (reproduce::has_models_apart(whole, all)) return write_report(whole, folder, all, folder, folder);
  } else if (has_others && !flags.quiet) {
    notice("note: the report is of what --only names; --report writes one of everything that is finished\n");
  }
  return write_report(plan, folder, finished, folder, folder);
}

/// Reports of what --only names; without it, also of what is planned only if it names it, if that was begun.
void report_finished(ReproduceFlags& flags) {
  const fs::path folder = fs::absolute(flags.output);
  flags.options.with_apart = true;
  reproduce::Plan plan = plan_of_flags(flags);
  const auto finished = reproduce::finished_stages(plan, folder);
  if (!reproduce::has_models_apart(plan, finished)) {
    flags.options.with_apart = false;
    plan = plan_of_flags(flags);
  }
  if (flags.publish.empty()) {
    fmt::print("{}", write_report(plan, folder, finished, folder, folder));
    return;
  }
  save_tree_atomically(flags.publish, [&](const fs::path& made) {
    reproduce::copy_shown_routing(plan, finished, folder, made);
    write_report(plan, folder, finished, made, flags.publish);
  });
}

void reproduce_all(ReproduceFlags& flags) {
  if (flags.report) {
    require_reportable(flags);
    require_scale(flags, flags.output);
    report_finished(flags);
    return;
  }
  if (!flags.publish.empty())
    throw UsageError("[reproduce] --publish is a folder for the report that --report writes, found no --report");
  const reproduce::Plan plan = plan_of_flags(flags);
  if (flags.plan) {
    print_plan(flags, plan);
    return;
  }
  if (flags.output.empty())
    throw UsageError("[reproduce] needs --output, the folder for models, scores and the report");
  if (flags.json) throw UsageError("[reproduce] --json prints the plan and needs --plan");
  if (flags.options.scale == "paper")
    throw UsageError(
        "[reproduce] --scale paper is planned only, with --plan: its commands are for a machine with GPUs, the corpus "
        "and the base model");
  const fs::path folder = fs::absolute(flags.output);
  if (!flags.resume && !is_unused(folder))
    throw UsageError(fmt::format(
        "[reproduce] --output must be a new or an empty folder, found '{}'; --resume continues what was begun there",
        escaped(flags.output)));
  create_folders(folder);
  const FolderLock lock(folder);
  require_scale(flags, folder);
  write_file_atomically(scale_file(folder), flags.options.scale + "\n");
  // A resumed run has some of it already.
  if (!flags.resume) require_free_disk(folder, static_cast<std::uint64_t>(plan.bytes()));
  const InterruptGuard guard;
  run_stages(flags, plan, folder);
  fmt::print("{}", report_run(flags, plan, folder));
}

}  // namespace

void add_reproduce_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "reproduce",
      "Trains and scores the paper's systems at a small scale, and says which of its sentences the scores show, "
      "contradict or leave undecided.");
  const auto flags = std::make_shared<ReproduceFlags>();
  reproduce::PlanOptions& o = flags->options;
  command.add_option("-o,--output", flags->output, "folder for models, scores and the report; new, or with --resume")
      ->type_name("DIR");
  command
      .add_option(
          "--scale", o.scale,
          "smoke: two systems that learn next to nothing, in about a minute; small: all systems, in hours on two "
          "cores; paper: the paper's sizes, for --plan only")
      ->capture_default_str()
      ->check(CLI::IsMember(reproduce::scale_names()));
  command.add_option("--seeds", o.seeds, "number of base models, each with its own systems [the scale's: 1, small 3]")
      ->check(CLI::Range(1, 1000));
  const auto items = reproduce::item_names();
  command
      .add_option(
          "--only", o.items,
          "tables and figures of the paper, such as table1,figure5; controls; questions; bases: other base models, "
          "which are trained only if it names them [all but bases]")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(items.begin(), items.end())));
  command
      .add_option("--corpus", o.corpus,
                  "folders of source files in the six languages: systems are also trained on real code and scored in "
                  "bits per byte [exercises only]")
      ->type_name("DIR...");
  command.add_flag("--plan", flags->plan,
                   "print the commands with their times and disk space, as a shell script; run nothing");
  command.add_flag("--json", flags->json, "print the plan as JSON");
  command
      .add_option("--jobs", flags->jobs,
                  "stages side by side; each has an equal part of the CPU threads; results do not depend on it [number "
                  "of CPU threads, at most 8]")
      ->check(CLI::Range(1, 1000));
  command
      .add_flag("--report", flags->report,
                "run nothing: write the report of the stages that are finished in --output, also while a run goes on "
                "there; what was not run is named")
      ->configurable(false);
  command
      .add_option("--publish", flags->publish,
                  "with --report: write the report to this folder instead, with its tables and figures and the routing "
                  "of MultiPL-MoE of the first seed, without models; must be new or empty")
      ->type_name("DIR")
      ->configurable(false);
  command
      .add_flag("--resume", flags->resume,
                "continue in --output: stages whose command, inputs and output are unchanged are not run again")
      ->configurable(false);
  command.add_flag("-q,--quiet", flags->quiet, "do not print progress");
  command.callback([flags] { reproduce_all(*flags); });
}

}  // namespace multipl_moe
