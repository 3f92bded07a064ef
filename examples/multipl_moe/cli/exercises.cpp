#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/exercises/write.hpp"
#include "multipl_moe/io/atomic_folder.hpp"

namespace multipl_moe {

namespace {

std::string exercises_table(const exercises::ExerciseReport& report) {
  std::string text = fmt::format("{:<8} {:>10} {:>6} {:>9}\n", "training", "functions", "files", "kB");
  for (const Language language : all_languages) {
    const auto& counts = report.training[index_of(language)];
    text += fmt::format("{:<8} {:>10} {:>6} {:>9.0f}\n", title_of(language), counts.functions, counts.files,
                        static_cast<double>(counts.bytes) / 1e3);
  }
  text += fmt::format("{:<8} {:>10} {:>6}  in each language\n", "set", "problems", "calls");
  for (const exercises::Set set : exercises::all_sets) {
    const auto place = static_cast<std::size_t>(set);
    text += fmt::format("{:<8} {:>10} {:>6}\n", exercises::name_of(set), report.problems[place], report.calls[place]);
  }
  return text;
}

}  // namespace

void add_exercises_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "exercises",
      "Writes a benchmark of small functions in six languages that a small model can learn, and training text for it.");
  struct Flags {
    exercises::ExerciseOptions options;
    std::string output;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  exercises::ExerciseOptions& o = flags->options;
  command
      .add_option("-o,--output", flags->output,
                  "folder for train/ (source files for prepare), for dev/, test/ and wording/ (prompts.jsonl in "
                  "MultiPL-E's fields), and for answers/ (their solutions, and wrong answers); must be new or empty")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--problems", o.problems,
                  "problems of dev and of test in each language; half of them are functions that no training text has, "
                  "half are only in that of high-resource languages; wording has half as many problems")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--high", o.high, "functions for training in each high-resource language (python, java, cpp)")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--low", o.low, "functions for training in each low-resource language (rust, go, ruby)")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--seed", o.seed, "random seed; which functions training may contain does not depend on it")
      ->capture_default_str();
  command.add_flag("--json", flags->json, "print the counts as JSON");
  command.callback([flags] {
    require_new_folder("exercises", flags->output);
    exercises::ExerciseReport report;
    // All or nothing: without it, a full disk would leave some of the folders, each of them complete.
    save_tree_atomically(flags->output, [&](const std::filesystem::path& made) {
      flags->options.out = made;
      report = exercises::write_exercises(flags->options);
    });
    fmt::print("{}", flags->json ? exercises::to_json_text(report, flags->options) : exercises_table(report));
  });
}

}  // namespace multipl_moe
