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
  int repetitions = 5, threads = moe::cpu::available_threads();
  double min_time = 0.02;
};

/// The names that were asked for; `all` is all of them.
std::vector<std::string> chosen_strategies(const std::vector<std::string>& asked) {
  std::vector<std::string> known;
  for (const StrategyInfo& info : list_strategies()) known.push_back(info.name);
  if (std::find(asked.begin(), asked.end(), "all") != asked.end()) return known;
  for (const std::string& name : asked)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(
          fmt::format("--strategies: there is no strategy {}; there are all, {}", name, fmt::join(known, ", ")));
  return asked;
}

void print_run(const RunFlags& flags) {
  const std::vector<std::string> names = chosen_strategies(flags.strategies);
  if (flags.backend == "cuda" && !built_with_cuda())
    throw UsageError(
        "--backend: this program was built without CUDA; configure with the preset gpu, where nvcc is, for cuda");
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
  CLI::App* command = program.add_subcommand("list", "name the routing strategies that `run` compares");
  return {command, [] {
            for (const StrategyInfo& info : list_strategies())
              fmt::print("{:<22} {:<11} {:<18} {}\n", info.name, info.is_causal ? "causal" : "looks ahead",
                         info.is_batch_invariant ? "batch invariant" : "reads batch neighbors", info.routing);
          }};
}

Command add_run_command(CLI::App& program) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App* command =
      program.add_subcommand("run", "run routing strategies side by side, at the same total and active parameters");
  command->add_option("--strategies", flags->strategies, "all, or names that `moe_bench list` prints")
      ->delimiter(',')
      ->type_name("all|NAME,...")
      ->capture_default_str();
  command->add_option("--shape", flags->shape, shape_help())
      ->check(known_shape())
      ->type_name("NAME|TxDxFxExK")
      ->capture_default_str();
  command
      ->add_option("--input", flags->input,
                   "iid: normal rows; zipf: rows by token, some of them frequent; languages: rows by sequence")
      ->check(CLI::IsMember({"iid", "zipf", "languages"}))
      ->type_name("INPUT")
      ->capture_default_str();
  command->add_option("--backend", flags->backend, "cpu, or cuda where the program was built with it")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->type_name("BACKEND")
      ->capture_default_str();
  command->add_option("--format", flags->format, "table for people, md for pages, csv or jsonl for programs")
      ->check(CLI::IsMember({"table", "csv", "jsonl", "md"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->add_option("--repetitions", flags->repetitions, "rounds that count, after one that warms up")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--min-time", flags->min_time, "seconds that a repetition of something short goes on for")
      ->check(CLI::Range(1e-6, 60.0))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "threads of computation on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  return {command, [flags] { print_run(*flags); }};
}

}  // namespace moe_bench
