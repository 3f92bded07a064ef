#include "multipl_moe/exercises/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/benchmark_set.hpp"
#include "multipl_moe/exercises/render.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::exercises {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t functions_in_a_file = 20;

void check(const ExerciseOptions& options) {
  constexpr std::int64_t most_functions = 1'000'000;
  if (options.problems < 1)
    throw UsageError(fmt::format("[exercises] --problems must be at least 1, found {}", options.problems));
  for (const auto& [flag, functions] : {std::pair("--high", options.high), std::pair("--low", options.low)})
    if (functions < 0 || functions > most_functions)
      throw UsageError(fmt::format("[exercises] {} must be 0 to {}, found {}", flag, most_functions, functions));
}

ExerciseReport::Training write_training(const ExerciseOptions& options, Language language) {
  ExerciseReport::Training report;
  report.functions = resource_of(language) == Resource::high ? options.high : options.low;
  report.files = (report.functions + functions_in_a_file - 1) / functions_in_a_file;
  save_folder_atomically(options.out / "train" / multipl_moe::name_of(language), [&](const fs::path& folder) {
    for (std::int64_t file = 0; file < report.files; ++file) {
      const std::int64_t count = (std::min)(functions_in_a_file, report.functions - file * functions_in_a_file);
      const std::string text = training_text(language, draw_training_functions(language, file, count, options.seed));
      report.bytes += std::ssize(text);
      write_file_atomically(folder / fmt::format("{:05}{}", file, rendering_of(language).extension()), text);
    }
  });
  return report;
}

std::string prompt_line(const Problem& problem, Language language) {
  const Rendering& rendering = rendering_of(language);
  const Function& function = problem.exercise.function;
  const Json json{{"name", problem.name},
                  {"language", rendering.field()},
                  {"prompt", rendering.preamble() + rendering.heading(function, problem.names, problem.sentence)},
                  {"tests", rendering.tests(rendering.name_of(problem.names.function), problem.tested.calls)},
                  {"stop_tokens", rendering.stop_texts()},
                  {"canonical_solution", rendering.body(function, problem.names)},
                  {"family", std::string(name_of(problem.exercise.family))},
                  {"level", level_of(problem.exercise.family)},
                  {"stratum", std::string(name_of(problem.stratum))}};
  return json.dump() + "\n";
}

std::string completion_line(const Problem& problem, Language language, std::size_t sample, const Function& function) {
  const Rendering& rendering = rendering_of(language);
  return Json{{"name", problem.name},
              {"language", rendering.field()},
              {"sample", sample},
              {"completion", rendering.body(function, problem.names)}}
             .dump() +
         "\n";
}

}  // namespace

ExerciseReport write_exercises(const ExerciseOptions& options) {
  check(options);
  // All sets are drawn before the first write: a refused --problems must not leave files, which would make the folder
  // unusable for the corrected command.
  std::array<std::vector<Problem>, all_sets.size()> drawn;
  for (const Set set : all_sets)
    drawn[static_cast<std::size_t>(set)] = draw_problems(set, options.problems, options.seed);
  ExerciseReport report;
  std::vector<std::pair<std::string, std::string>> answers;
  for (const Set set : all_sets) {
    const auto place = static_cast<std::size_t>(set);
    const std::vector<Problem>& problems = drawn[place];
    std::string prompts, solutions, mutants;
    for (const Language language : all_languages)
      for (const Problem& problem : problems) {
        prompts += prompt_line(problem, language);
        solutions += completion_line(problem, language, 0, problem.exercise.function);
        for (const Mistake mistake : all_mistakes) {
          const auto sample = static_cast<std::size_t>(mistake);
          mutants += completion_line(problem, language, sample, problem.tested.mutants[sample]);
        }
      }
    report.problems[place] = std::ssize(problems);
    for (const Problem& problem : problems) report.calls[place] += std::ssize(problem.tested.calls);
    save_folder_atomically(options.out / name_of(set),
                           [&](const fs::path& folder) { write_file_atomically(folder / "prompts.jsonl", prompts); });
    answers.emplace_back(fmt::format("{}_solutions.jsonl", name_of(set)), std::move(solutions));
    answers.emplace_back(fmt::format("{}_mutants.jsonl", name_of(set)), std::move(mutants));
  }
  save_folder_atomically(options.out / "answers", [&](const fs::path& folder) {
    for (const auto& [name, text] : answers) write_file_atomically(folder / name, text);
  });
  for (const Language language : all_languages) report.training[index_of(language)] = write_training(options, language);
  write_file_atomically(options.out / "exercises.json", to_json_text(report, options));
  return report;
}

std::string to_json_text(const ExerciseReport& report, const ExerciseOptions& options) {
  Json training = Json::object(), sets = Json::object();
  for (const Language language : all_languages) {
    const ExerciseReport::Training& counts = report.training[index_of(language)];
    training[std::string(multipl_moe::name_of(language))] = {
        {"functions", counts.functions}, {"files", counts.files}, {"bytes", counts.bytes}};
  }
  for (const Set set : all_sets) {
    const auto place = static_cast<std::size_t>(set);
    sets[std::string(name_of(set))] = {{"problems", report.problems[place]}, {"calls", report.calls[place]}};
  }
  const Json json{
      {"settings",
       {{"problems", options.problems}, {"high", options.high}, {"low", options.low}, {"seed", options.seed}}},
      {"training", training},
      {"sets", sets}};
  return json.dump(2) + "\n";
}

}  // namespace multipl_moe::exercises
