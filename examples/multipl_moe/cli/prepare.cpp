#include "multipl_moe/data/prepare.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/problem_file.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Adds the runs of a benchmark to `runs`, by language. A solution continues its prompt.
ExcludedBenchmark exclude(const std::string& path, ExcludedRuns& runs) {
  const benchmark::Benchmark read = benchmark::read_benchmark(path);
  std::array<std::vector<std::vector<std::string>>, language_count> texts;
  for (const benchmark::Problem& problem : read.problems)
    texts[index_of(problem.language)].push_back({problem.prompt + problem.canonical, problem.tests});
  ExcludedBenchmark counts{.name = read.name, .hash = read.hash, .problems = std::ssize(read.problems)};
  ExcludedRuns own;
  for (const auto& of_language : texts) counts.problems_without_runs += own.add(of_language);
  counts.runs = static_cast<std::int64_t>(own.size());
  if (counts.runs == 0)
    throw UsageError(fmt::format(
        "[prepare] --exclude must name a benchmark with text to look for: {} consecutive tokens with at "
        "least {} different names, in at most {} problems of a language; found none in the {} of '{}'. "
        "Leave it out, or give a benchmark with longer problems",
        run_tokens, least_names_of_a_run, most_problems_of_a_run, counted(counts.problems, "problems"), escaped(path)));
  runs.add(own);
  return counts;
}

}  // namespace

void add_prepare_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "prepare", "Converts folders of source files to token files, by language and split (train, dev, test).");
  struct Flags {
    PrepareOptions options;
    std::string tokenizer;
    std::vector<std::string> exclude;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  PrepareOptions& o = flags->options;
  command.add_option("sources", o.sources, fmt::format("folders of source files ({})", known_extensions()))
      ->required()
      ->type_name("DIR...");
  command.add_option("-o,--output", o.out, "folder for the token files")->required()->type_name("DIR");
  add_tokenizer_option(command, flags->tokenizer);
  add_split_options(command, o.held_out);
  command.add_option("--max-train-bytes", o.max_train_bytes, "maximum training text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--max-held-out-bytes", o.max_held_out_bytes,
                  "maximum dev text and maximum test text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--exclude", flags->exclude,
                  "benchmark, as evaluate reads it: training files that share 13 consecutive tokens (words, or single "
                  "other characters) with the prompt, the solution or the tests of a problem are left out and counted; "
                  "13 tokens in more than 10 problems of a language, or with fewer than 5 different names, exclude "
                  "nothing; may be given several times")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command.add_flag("--json", flags->json, "print the report as JSON");
  command.callback([flags] {
    flags->options.tokenizer = tokenizer_of(flags->tokenizer);
    for (const std::string& path : flags->exclude)
      flags->options.excluded_benchmarks.push_back(exclude(path, flags->options.excluded));
    const PrepareReport report = prepare(flags->options);
    fmt::print("{}\n", flags->json ? to_json_text(report) : prepare_table(report));
  });
}

}  // namespace multipl_moe
