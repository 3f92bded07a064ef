#include "bench/command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "bench/report/report.hpp"
#include "bench/shape_flag.hpp"
#include "moe/train/freeze.hpp"

namespace moe_bench {

namespace {

struct Flags {
  std::vector<std::string> shapes{"mid"}, filters{"*"};
  std::string format = "table";
  Timing timing;
  int threads = moe::available_threads();
  bool list = false;
};

void add_flags(CLI::App& command, Flags& flags) {
  command.add_option("--shape", flags.shapes, shape_help())
      ->check(known_shape())
      ->type_name("NAME|TxDxFxExK")
      ->capture_default_str();
  command
      .add_option("--filter", flags.filters,
                  "measure the names that match one of these patterns, in which * matches any text")
      ->type_name("PATTERN")
      ->capture_default_str();
  command.add_flag("--list", flags.list, "print the names that --filter selects, and measure nothing");
  command.add_option("--format", flags.format, "output format: table to read, csv or jsonl for programs")
      ->check(CLI::IsMember({"table", "csv", "jsonl"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command.add_option("--repetitions", flags.timing.repetitions, "number of measured rounds, after one warm-up round")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      .add_option("--min-time", flags.timing.repetition_seconds,
                  "minimum seconds per repetition; short passes are iterated to reach it")
      ->check(CLI::Range(1e-6, 60.0))
      ->capture_default_str();
  command.add_option("--threads", flags.threads, "number of CPU threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

Suite chosen(const Flags& flags) {
  Context context;
  context.threads = flags.threads;
  std::vector<Shape> shapes;
  for (const std::string& text : std::set<std::string>(flags.shapes.begin(), flags.shapes.end()))
    shapes.push_back(*parse_shape(text));
  Suite suite = everything(context, shapes);
  std::erase_if(suite, [&](const Entry& entry) {
    return std::none_of(flags.filters.begin(), flags.filters.end(),
                        [&](const std::string& pattern) { return moe::name_matches(pattern, entry.name()); });
  });
  return suite;
}

void print_measured(const Flags& flags, const Suite& suite) {
  Report report{this_machine(flags.threads), flags.timing, {}};
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  report.results = measure(suite, flags.timing, [&](int round) {
    if (shows_progress) fmt::print(stderr, "\rround {} of {}", round, flags.timing.repetitions);
  });
  if (shows_progress) fmt::print(stderr, "\n");
  fmt::print("{}", flags.format == "csv"     ? as_csv(report)
                   : flags.format == "jsonl" ? as_jsonl(report)
                                             : as_table(report));
  for (const Result& r : report.results)
    if (!r.parts_agree())
      fmt::print(stderr,
                 "note: {}: whole and sum of parts differ by {:.1f} %, more than {:.0f} %;\n"
                 "  they are timed one after the other, so other work on the machine is the likely cause\n",
                 r.entry.name(), 100 * r.rest_share(), 100 * tolerance);
}

}  // namespace

Command add_layers_command(CLI::App& program) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = program.add_subcommand("layers", "time layers, their parts and their operations, on the CPU");
  add_flags(*command, *flags);
  return {command, [flags] {
            const Suite suite = chosen(*flags);
            if (suite.empty()) throw UsageError("--filter: no name matches; --list without --filter prints all names");
            if (flags->list)
              for (const Entry& entry : suite) fmt::print("{}\n", entry.name());
            else
              print_measured(*flags, suite);
          }};
}

}  // namespace moe_bench
