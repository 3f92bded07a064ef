#include "multipl_moe/exercises/benchmark_set.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <set>
#include <utility>

#include "multipl_moe/exercises/render.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::exercises {

namespace {

std::string named(const std::string& sentence, const Names& names) {
  Words words;
  constexpr std::array<std::string_view, 2> places{"0", "1"};
  for (std::size_t i = 0; i < names.parameters.size(); ++i) words.emplace_back(places[i], names.parameters[i]);
  return filled(sentence, words);
}

/// A new exercise of the family with a key of this set and stratum that is not in `used`, to which it is added.
Exercise draw_new(Family family, Set set, Stratum stratum, std::int64_t count, std::set<Key>& used, Draws& draws) {
  constexpr int most_attempts = 100'000;
  for (int i = 0; i < most_attempts; ++i) {
    Exercise exercise = draw_exercise(family, draws);
    if (stratum_of(exercise.key) == stratum && set_of(exercise.key) == set && used.insert(exercise.key).second)
      return exercise;
  }
  throw UsageError(
      fmt::format("[exercises] --problems must be at most as many as there are different problems, found {}: the "
                  "family {} has no more than {} of the stratum {}",
                  count, name_of(family), used.size(), name_of(stratum)));
}

}  // namespace

std::vector<Problem> draw_problems(Set set, std::int64_t count, std::uint64_t seed) {
  Draws draws(seed, name_of(set));
  const std::vector<std::pair<Stratum, std::int64_t>> parts =
      set == Set::wording ? std::vector<std::pair<Stratum, std::int64_t>>{{Stratum::wording, count / 2}}
                          : std::vector<std::pair<Stratum, std::int64_t>>{{Stratum::nowhere, (count + 1) / 2},
                                                                          {Stratum::transfer, count / 2}};
  std::vector<Problem> problems;
  std::array<std::array<std::set<Key>, all_families.size()>, all_strata.size()> used;
  for (const auto& [stratum, of_stratum] : parts)
    for (std::int64_t i = 0; i < of_stratum; ++i) {
      const std::size_t place = problems.size(), levels = static_cast<std::size_t>(level_count);
      const std::vector<Family> families = families_of(static_cast<int>(place % levels) + 1);
      const Family family = families[place / levels % families.size()];
      Problem problem;
      problem.stratum = stratum;
      problem.name = fmt::format("{}_{:03}_{}", name_of(set), problems.size(), name_of(family));
      std::optional<Tested> tested;
      while (!tested) {
        problem.exercise = draw_new(family, set, stratum, count,
                                    used[static_cast<std::size_t>(stratum)][static_cast<std::size_t>(family)], draws);
        problem.names = draw_names(problem.exercise.function, draws);
        const std::size_t wording = set == Set::wording ? sentence_count - 1 : draws.below(training_sentences);
        problem.sentence = named(problem.exercise.sentences[wording], problem.names);
        tested = draw_tests(problem.exercise.function, draws);
      }
      problem.tested = *std::move(tested);
      problems.push_back(std::move(problem));
    }
  return problems;
}

std::vector<TrainingFunction> draw_training_functions(Language language, std::int64_t file, std::int64_t count,
                                                      std::uint64_t seed) {
  Draws draws(seed, fmt::format("train {} {}", multipl_moe::name_of(language), file));
  std::set<NameWords> used;
  std::vector<TrainingFunction> functions;
  while (std::ssize(functions) < count) {
    Exercise exercise = draw_exercise(draw_training_family(draws), draws);
    if (!is_for_training(exercise.key, resource_of(language))) continue;
    Names names = draw_names(exercise.function, draws);
    if (!used.insert(names.function).second) continue;
    std::string sentence = named(exercise.sentences[draws.below(training_sentences)], names);
    functions.push_back({std::move(exercise), std::move(names), std::move(sentence)});
  }
  return functions;
}

std::string training_text(Language language, const std::vector<TrainingFunction>& functions) {
  const Rendering& rendering = rendering_of(language);
  std::string text = rendering.preamble();
  for (const TrainingFunction& each : functions) {
    if (&each != &functions.front()) text += '\n';
    text += rendering.heading(each.exercise.function, each.names, each.sentence);
    text += rendering.body(each.exercise.function, each.names);
    text += rendering.after_body();
  }
  return text + rendering.end_of_file();
}

}  // namespace multipl_moe::exercises
