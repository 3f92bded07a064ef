#include "bench/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "bench/report/report.hpp"
#include "moe/train/freeze.hpp"
#ifdef MOE_BENCH_LEARNS
#include "bench/learn/commands.hpp"
#endif

namespace moe_bench {

namespace {

struct Flags {
  std::vector<std::string> shapes{"mid"}, filters{"*"};
  std::string format = "table";
  Timing timing;
  int threads = moe::cpu::available_threads();
  bool list = false;
};

CLI::Validator known_shape() {
  return CLI::Validator(
      [](std::string& text) {
        if (parse_shape(text)) return std::string();
        std::string names;
        for (const Shape& shape : named_shapes()) names += shape.name + ", ";
        return fmt::format("must be {}or TxDxFxExK with sizes of 1 or more and K at most E, found {}", names, text);
      },
      "");
}

void add_flags(CLI::App& program, Flags& flags) {
  std::string names;
  for (const Shape& shape : named_shapes())
    names += fmt::format("{}{} ({}x{}x{}x{}x{})", names.empty() ? "" : ", ", shape.name, shape.rows, shape.width,
                         shape.hidden, shape.experts, shape.chosen);
  program
      .add_option("--shape", flags.shapes,
                  "rows x width x inner channels x experts x experts a row meets, or a name: " + names)
      ->check(known_shape())
      ->type_name("NAME|TxDxFxExK")
      ->capture_default_str();
  program.add_option("--filter", flags.filters, "measure what fits one of these patterns; * stands for anything")
      ->type_name("PATTERN")
      ->capture_default_str();
  program.add_flag("--list", flags.list, "print the names that --filter chooses from, and measure nothing");
  program.add_option("--format", flags.format, "table for people, csv or jsonl for programs")
      ->check(CLI::IsMember({"table", "csv", "jsonl"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  program.add_option("--repetitions", flags.timing.repetitions, "rounds that count, after one that warms up")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  program
      .add_option("--min-time", flags.timing.repetition_seconds,
                  "seconds that a repetition of something short goes on for")
      ->check(CLI::Range(1e-6, 60.0))
      ->capture_default_str();
  program.add_option("--threads", flags.threads, "threads of computation")
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

int failed(int exit_code, const std::string& message) {
  fmt::print(stderr, "error: {}\n", message);
  return exit_code;
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

int run_bench(int argc, char** argv) {
  CLI::App program{"Times the layers of moelayers and their parts on the CPU, in float32.", "moe_bench"};
  program.get_formatter()->column_width(30);
  program.footer(
      "Figures go to stdout, notes to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 4 out of memory, 5 I/O.");
  Flags flags;
  add_flags(program, flags);
#ifdef MOE_BENCH_LEARNS
  add_learn_command(program);
  add_report_command(program);
#endif
  try {
    program.parse(argc, argv);
    if (!program.get_subcommands().empty()) return 0;
    const Suite suite = chosen(flags);
    if (suite.empty()) return failed(2, "--filter: no name fits; --list prints them");
    if (flags.list)
      for (const Entry& entry : suite) fmt::print("{}\n", entry.name());
    else
      print_measured(flags, suite);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return program.exit(error);
    failed(2, error.what());
    fmt::print(stderr, "`moe_bench --help` lists the flags.\n");
    return 2;
#ifdef MOE_BENCH_LEARNS
  } catch (const CommandFailed& failure) {
    return failed(failure.exit_code(), failure.what());
#endif
  } catch (const std::bad_alloc&) {
    return failed(4, "out of memory: a narrower --filter or a smaller --shape needs less");
  } catch (const std::exception& error) {
    return failed(1, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return failed(5, "stdout cannot be written");
  return 0;
}

}  // namespace moe_bench
