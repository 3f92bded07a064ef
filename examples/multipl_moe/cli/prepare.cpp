#include "multipl_moe/data/prepare.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/problem_file.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"

namespace multipl_moe {

namespace {

/// The runs of benchmarks, by language. A solution continues its prompt.
ExcludedRuns runs_of(const std::vector<std::string>& benchmarks) {
  ExcludedRuns runs;
  for (const std::string& path : benchmarks) {
    std::array<std::vector<std::vector<std::string>>, language_count> texts;
    for (const benchmark::Problem& problem : benchmark::read_benchmark(path).problems)
      texts[index_of(problem.language)].push_back({problem.prompt + problem.canonical, problem.tests});
    for (const auto& of_language : texts) runs.add(of_language);
  }
  return runs;
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
    flags->options.excluded = runs_of(flags->exclude);
    const PrepareReport report = prepare(flags->options);
    fmt::print("{}\n", flags->json ? to_json_text(report) : prepare_table(report));
  });
}

}  // namespace multipl_moe
