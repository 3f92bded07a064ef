#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/result_tables.hpp"
#include "multipl_moe/reproduce/run_plan.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

struct ReproduceFlags {
  reproduce::PlanOptions options;
  std::string output;
  bool plan = false, json = false, resume = false, quiet = false;
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
  fmt::print("{}{}", flags.json ? reproduce::plan_json(plan) : reproduce::plan_text(plan), flags.json ? "\n" : "");
}

void run_stages(const ReproduceFlags& flags, const reproduce::Plan& plan, const fs::path& folder) {
  LiveLine line;
  const auto show = [&](const reproduce::Stage& stage, std::size_t number, const std::string& what, bool plain) {
    if (!flags.quiet)
      line.show(fmt::format("stage {}/{}  {}  {}", number, plan.stages.size(), stage.id, what), plain, false);
  };
  reproduce::RunListener listener;
  listener.began = [&](const auto& stage, std::size_t number) { show(stage, number, "runs", false); };
  listener.finished = [&](const auto& stage, std::size_t number, double seconds) {
    show(stage, number, short_duration(seconds), true);
  };
  listener.signal = [] { return InterruptGuard::signal(); };
  try {
    run_plan(plan, folder, "/proc/self/exe", listener);
  } catch (const reproduce::Stopped& stopped) {
    line.finish();
    throw Interrupted(stopped.signal, "finished stages are kept; --resume continues");
  }
  line.finish();
}

void write_report(const reproduce::Plan& plan, const fs::path& folder) {
  const auto claims = reproduce::parse_claims(reproduce::claims_text(), "claims.toml");
  const auto scores = reproduce::read_scores(plan, folder);
  const auto judged = reproduce::judge(claims, scores);
  const std::string text = reproduce::report_text(plan, scores, claims, judged);
  write_file_atomically(folder / "scores.csv", reproduce::scores_csv(scores));
  write_file_atomically(folder / "claims.csv", reproduce::claims_csv(judged));
  write_file_atomically(folder / "report.md", text);
  fmt::print("{}", text);
}

void reproduce_all(ReproduceFlags& flags) {
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
        "and "
        "the base model");
  const fs::path folder = fs::absolute(flags.output);
  if (!flags.resume && is_there(folder) && !(fs::is_directory(folder) && fs::is_empty(folder)))
    throw UsageError(fmt::format(
        "[reproduce] --output must be a new or an empty folder, found '{}'; --resume continues what was begun there",
        escaped(flags.output)));
  create_folders(folder);
  const FolderLock lock(folder);
  // A resumed run has some of it already.
  if (!flags.resume) require_free_disk(folder, static_cast<std::uint64_t>(plan.bytes()));
  const InterruptGuard guard;
  run_stages(flags, plan, folder);
  write_report(plan, folder);
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
  command.add_option("--only", o.items, "tables and figures of the paper, such as table1,figure5, and controls [all]")
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
      .add_flag("--resume", flags->resume,
                "continue in --output: stages whose command, inputs and output are unchanged are not run again")
      ->configurable(false);
  command.add_flag("-q,--quiet", flags->quiet, "do not print progress");
  command.callback([flags] { reproduce_all(*flags); });
}

}  // namespace multipl_moe
