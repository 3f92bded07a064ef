#include "multipl_moe/cli/evaluation_problems.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "multipl_moe/benchmark/problem_file.hpp"
#include "multipl_moe/cli/evaluation_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe {

using benchmark::Completion;
using benchmark::Problem;

namespace {

/// The problems of the languages in the flags, the first of each language.
std::vector<Problem> selected(std::vector<Problem> problems, const EvaluateFlags& flags) {
  std::set<Language> languages;
  for (const std::string& name : flags.languages) languages.insert(language_named(name));
  std::map<std::pair<std::string, Language>, std::int64_t> taken;
  std::vector<Problem> result;
  for (Problem& problem : problems) {
    if (!languages.empty() && !languages.contains(problem.language)) continue;
    if (flags.limit > 0 && ++taken[{problem.benchmark, problem.language}] > flags.limit) continue;
    result.push_back(flags.prompt == "stripped" ? with_stripped_prompt(std::move(problem)) : std::move(problem));
  }
  for (const Language language : languages) {
    bool is_there = false;
    for (const Problem& problem : result) is_there = is_there || problem.language == language;
    if (!is_there)
      throw UsageError(
          fmt::format("[evaluate] --languages must be languages of the benchmark, found {}, in which it has "
                      "no problem",
                      name_of(language)));
  }
  return result;
}

Selection read_benchmarks(const EvaluateFlags& flags) {
  Selection selection;
  std::map<std::pair<Language, std::string>, std::string> files;
  for (const std::string& path : flags.benchmarks) {
    benchmark::Benchmark read = benchmark::read_benchmark(path);
    for (const auto& [name, unused] : selection.hashes)
      if (name == read.name)
        throw UsageError(
            fmt::format("[evaluate] benchmarks must have names of their own, found two called '{}', which "
                        "would be scored as one; rename a file, or evaluate them apart",
                        escaped(name, 60)));
    selection.hashes.emplace_back(read.name, read.hash);
    for (Problem& problem : read.problems) {
      const auto [first, is_new] = files.try_emplace({problem.language, problem.name}, path);
      if (!is_new)
        throw BadFile(path, fmt::format("must have problems with names of their own, found '{}' ({}), which is also in "
                                        "{}",
                                        escaped(problem.name, 60), title_of(problem.language), escaped(first->second)));
      selection.problems.push_back(std::move(problem));
    }
  }
  return selection;
}

/// Gives the completions of MultiPL-E's files to the problems; without --benchmark these are in the files too.
void take_completed_problems(Selection& selection, const EvaluateFlags& flags) {
  std::vector<benchmark::CompletedProblem> completed = benchmark::read_completed_problems(flags.completions);
  if (flags.benchmarks.empty()) {
    std::string text;
    for (benchmark::CompletedProblem& one : completed) {
      one.problem.benchmark = valid_utf8(std::filesystem::path(flags.completions).stem().native());
      text += one.problem.prompt + one.problem.tests;
      selection.problems.push_back(one.problem);
    }
    selection.hashes.emplace_back("problems of the completions", hash_of(text));
  }
  std::map<std::pair<Language, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < selection.problems.size(); ++i)
    places[{selection.problems[i].language, selection.problems[i].name}] = i;
  for (const benchmark::CompletedProblem& one : completed) {
    const auto place = places.find({one.problem.language, one.problem.name});
    const Problem* const problem = place == places.end() ? nullptr : &selection.problems[place->second];
    if (problem == nullptr || problem->prompt != one.problem.prompt || problem->tests != one.problem.tests)
      throw BadFile(flags.completions,
                    fmt::format("must have the prompts and tests of --benchmark, found other ones of "
                                "'{}' ({})",
                                escaped(one.problem.name, 60), title_of(one.problem.language)));
    for (std::size_t sample = 0; sample < one.completions.size(); ++sample)
      selection.completions.push_back({place->second, static_cast<std::int64_t>(sample), one.completions[sample]});
  }
}

/// Keeps the completions of the selected problems.
std::vector<Completion> completions_of(const std::vector<Problem>& kept, const Selection& all) {
  std::map<std::pair<Language, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < kept.size(); ++i) places[{kept[i].language, kept[i].name}] = i;
  std::vector<Completion> result;
  for (const Completion& completion : all.completions) {
    const Problem& problem = all.problems[completion.problem];
    const auto place = places.find({problem.language, problem.name});
    if (place == places.end()) continue;
    result.push_back(completion);
    result.back().problem = place->second;
  }
  return result;
}

/// Throws UsageError if the completions are those of a run with other prompts.
void require_same_prompts(const EvaluateFlags& flags, const Selection& selection) {
  const std::map<std::string, std::string> settings = settings_of_run(flags.completions);
  const auto require = [&](const std::string& setting, const std::string& now) {
    const auto found = settings.find(setting);
    if (found != settings.end() && found->second != now)
      throw UsageError(
          fmt::format("[evaluate] --completions must be executed with the prompts that they continue: {} was {} when "
                      "they were generated, found {}",
                      escaped(setting), escaped(found->second), escaped(now)));
  };
  require("prompt", fmt::format("\"{}\"", flags.prompt));
  for (const auto& [name, hash] : selection.hashes)
    require(nlohmann::json("benchmark " + name).dump() + " in [record]", fmt::format("\"XXH3 {:016x}\"", hash));
}

}  // namespace

std::set<Language> Selection::languages() const {
  std::set<Language> all;
  for (const Problem& problem : problems) all.insert(problem.language);
  return all;
}

Selection select_problems(const EvaluateFlags& flags) {
  Selection selection = read_benchmarks(flags);
  if (!flags.completions.empty()) {
    if (benchmark::is_multipl_e(flags.completions))
      take_completed_problems(selection, flags);
    else
      selection.completions = benchmark::read_completions(flags.completions, selection.problems);
    require_same_prompts(flags, selection);
  }
  std::vector<Problem> problems = selected(selection.problems, flags);
  selection.completions = completions_of(problems, selection);
  selection.problems = std::move(problems);
  return selection;
}

}  // namespace multipl_moe
