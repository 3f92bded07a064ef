#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/command.hpp"
#include "bench/report/strategies.hpp"
#include "bench/shape_flag.hpp"
#include "moe/backend/cpu/cpu.hpp"

namespace moe_bench {

namespace {

struct RunFlags {
  std::vector<std::string> strategies{"all"};
  std::string shape = "mid", input = "iid", backend = "cpu", format = "table";
  int repetitions = 5, threads = moe::available_threads();
  double min_time = 0.02;
};

/// The requested strategies; `all` stands for every strategy.
std::vector<std::string> chosen_strategies(std::vector<std::string> asked) {
  std::transform(asked.begin(), asked.end(), asked.begin(), current_strategy);
  std::vector<std::string> known;
  for (const StrategyInfo& info : list_strategies()) known.push_back(info.name);
  if (std::find(asked.begin(), asked.end(), "all") != asked.end()) return known;
  for (const std::string& name : asked)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(
          fmt::format("--strategies: there is no strategy {}; use all, or some of {}", name, fmt::join(known, ", ")));
  return asked;
}

void print_run(const RunFlags& flags) {
  const std::vector<std::string> names = chosen_strategies(flags.strategies);
  if (flags.backend == "cuda" && !built_with_cuda())
    throw UsageError(
        "--backend: this program was built without CUDA; for cuda, configure with the preset gpu on a machine with "
        "nvcc");
  StrategyReport report{this_machine(flags.threads), flags.backend, flags.input, {}, {}};
  report.plan = {*parse_shape(flags.shape), *parse_input(flags.input), flags.repetitions, flags.min_time,
                 flags.threads};
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  const Progress progress = [&](int round, const std::string& name) {
    if (shows_progress) fmt::print(stderr, "\r\033[Kround {} of {}: {}", round, flags.repetitions, name);
  };
  report.results =
      flags.backend == "cuda" ? run_on_cuda(names, report.plan, progress) : run_on_cpu(names, report.plan, progress);
  if (shows_progress) fmt::print(stderr, "\n");
  fmt::print("{}", flags.format == "csv"     ? as_csv(report)
                   : flags.format == "jsonl" ? as_jsonl(report)
                   : flags.format == "md"    ? as_markdown(report)
                                             : as_table(report));
}

}  // namespace

Command add_list_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("list", "list the routing strategies that `run` compares");
  return {command, [] {
            for (const StrategyInfo& info : list_strategies())
              fmt::print("{:<22} {:<11} {:<18} {}\n", info.name, info.is_causal ? "causal" : "non-causal",
                         info.is_batch_invariant ? "batch invariant" : "reads batch neighbors", info.routing);
          }};
}

Command add_run_command(CLI::App& program) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App* command =
      program.add_subcommand("run", "run routing strategies side by side, at the same total and active parameters");
  command->add_option("--strategies", flags->strategies, "strategies to run: all, or names from `moe_bench list`")
      ->delimiter(',')
      ->type_name("all|NAME,...")
      ->capture_default_str();
  command->add_option("--shape", flags->shape, shape_help())
      ->check(known_shape())
      ->type_name("NAME|TxDxFxExK")
      ->capture_default_str();
  command
      ->add_option("--input", flags->input,
                   "input rows: iid, independent normal rows; zipf, rows by token, with tokens drawn by Zipf's law; "
                   "languages, rows by the language of their sequence")
      ->check(CLI::IsMember({"iid", "zipf", "languages"}))
      ->type_name("INPUT")
      ->capture_default_str();
  command->add_option("--backend", flags->backend, "backend: cpu, or cuda if the program was built with CUDA")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->type_name("BACKEND")
      ->capture_default_str();
  command
      ->add_option("--format", flags->format,
                   "output format: table to read, md for Markdown pages, csv or jsonl for programs")
      ->check(CLI::IsMember({"table", "csv", "jsonl", "md"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->add_option("--repetitions", flags->repetitions, "number of measured rounds, after one warm-up round")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option("--min-time", flags->min_time,
                   "minimum seconds per repetition; short passes are iterated to reach it")
      ->check(CLI::Range(1e-6, 60.0))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "number of CPU threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  return {command, [flags] { print_run(*flags); }};
}

}  // namespace moe_bench
