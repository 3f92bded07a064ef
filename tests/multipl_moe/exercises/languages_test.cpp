/// The exercises, executed in the six languages.
#include <optional>
#include <set>

#include "all_in_one.hpp"
#include "multipl_moe/benchmark/for_each_in_slots.hpp"
#include "multipl_moe/benchmark/toolchain.hpp"
#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/exercises/benchmark_set.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace languages_test {

using namespace multipl_moe;
using namespace multipl_moe::exercises;
using namespace multipl_moe::exercises::testing;

namespace {

const std::set<Language> every_language(all_languages.begin(), all_languages.end());

/// Executes programs; is empty, with a line that names what is missing, where this machine cannot.
class Machine {
 public:
  explicit Machine(double timeout_scale) {
    if (const std::string missing = benchmark::missing_packages(every_language); !missing.empty()) {
      WARN("skipped: needs " + missing);
      return;
    }
    try {
      sandbox_.emplace(sandbox::Sandbox::open(sandbox::Mode::bubblewrap, slots));
    } catch (const Failure& failure) {
      WARN(std::string("skipped: ") + failure.what());
      return;
    }
    const benchmark::ExecutionSettings settings{.protocol = benchmark::Protocol::exercises,
                                                .timeout_scale = timeout_scale};
    toolchain_.emplace(*sandbox_, settings, every_language, "");
  }

  explicit operator bool() const { return toolchain_.has_value(); }

  /// The results of the programs, two of which are run at a time.
  std::vector<benchmark::Result> run(const std::vector<std::pair<Language, std::string>>& programs) const {
    std::vector<benchmark::Result> results(programs.size());
    benchmark::for_each_in_slots(programs.size(), slots, [&](std::size_t i, int slot) {
      results[i] = toolchain_->run(programs[i].first, programs[i].second, slot);
      return true;
    });
    return results;
  }

 private:
  static constexpr int slots = 2;
  std::optional<sandbox::Sandbox> sandbox_;
  std::optional<benchmark::Toolchain> toolchain_;
};

void add(std::vector<Tried>& tried, const Function& function, Names names, const std::vector<Call>& calls,
         bool passes) {
  names.function = numbered(tried.size());
  tried.push_back({function, std::move(names), calls, passes});
}

/// The solutions and mutants of `count` problems of each set.
std::vector<Tried> problems_to_try(std::int64_t count) {
  std::vector<Tried> tried;
  for (const Set set : all_sets)
    for (const Problem& problem : draw_problems(set, count, 0)) {
      add(tried, problem.exercise.function, problem.names, problem.tested.calls, true);
      for (const Function& mutant : problem.tested.mutants)
        add(tried, mutant, problem.names, problem.tested.calls, false);
    }
  return tried;
}

void require_that_all_agree(const std::vector<Tried>& tried) {
  const Machine machine(20);
  if (!machine) return;
  std::vector<std::pair<Language, std::string>> programs;
  for (const Language language : all_languages) programs.emplace_back(language, program_of(language, tried));
  const std::vector<benchmark::Result> results = machine.run(programs);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    INFO(name_of(programs[i].first) << "\n" << results[i].out << results[i].err);
    CHECK(results[i].status == benchmark::Status::ok);
  }
}

/// A program of which only the functions matter.
std::string training_program(Language language, std::string text) {
  switch (language) {
    case Language::java:
      return text.substr(0, text.size() - rendering_of(language).end_of_file().size()) +
             "public static void main(String[] args) {}\n}\n";
    case Language::cpp:
      return text + "int main() {}\n";
    case Language::rust:
      return text + "fn main() {}\n";
    case Language::go:
      return text + "func TestNothing(t *testing.T) {}\n";
    default:
      return text;
  }
}

}  // namespace

TEST_CASE("six languages agree with the evaluator on 1,000 random calls", "[compilers][exercises]") {
  constexpr int functions = 90, calls = 12;
  Draws draws(7, "random calls");
  std::vector<Tried> tried;
  for (int i = 0; i < functions; ++i) {
    const Exercise exercise = draw_exercise(all_families[static_cast<std::size_t>(i) % all_families.size()], draws);
    add(tried, exercise.function, draw_names(exercise.function, draws), draw_calls(exercise.function, calls, draws),
        true);
  }
  require_that_all_agree(tried);
}

TEST_CASE("solutions pass and mutants fail in six languages", "[compilers][exercises]") {
  require_that_all_agree(problems_to_try(24));
}

TEST_CASE("all solutions pass and all mutants fail in six languages", "[.][exercises-full]") {
  require_that_all_agree(problems_to_try(120));
}

TEST_CASE("the programs of problems pass with the solution and fail with a mutant", "[compilers][exercises]") {
  const Machine machine(4);
  if (!machine) return;
  std::vector<std::pair<Language, std::string>> programs;
  std::vector<std::string> names;
  std::set<Family> seen;
  for (const Problem& problem : draw_problems(Set::test, 120, 0)) {
    if (!seen.insert(problem.exercise.family).second) continue;
    const Function& mutant = problem.tested.mutants[seen.size() % all_mistakes.size()];
    for (const Language language : all_languages)
      for (const Function* function : {&problem.exercise.function, &mutant}) {
        const Rendering& r = rendering_of(language);
        programs.emplace_back(language, r.preamble() +
                                            r.heading(problem.exercise.function, problem.names, problem.sentence) +
                                            r.body(*function, problem.names) + "\n" +
                                            r.tests(r.name_of(problem.names.function), problem.tested.calls));
        names.push_back(problem.name);
      }
  }
  REQUIRE(seen.size() == all_families.size());
  const std::vector<benchmark::Result> results = machine.run(programs);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    INFO(names[i] << " " << name_of(programs[i].first) << "\n" << results[i].out << results[i].err);
    CHECK(results[i].status == (i % 2 == 0 ? benchmark::Status::ok : benchmark::Status::exception));
  }
}

TEST_CASE("a training file compiles in each language", "[compilers][exercises]") {
  const Machine machine(4);
  if (!machine) return;
  std::vector<std::pair<Language, std::string>> programs;
  for (const Language language : all_languages)
    programs.emplace_back(
        language, training_program(language, training_text(language, draw_training_functions(language, 0, 20, 0))));
  const std::vector<benchmark::Result> results = machine.run(programs);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    INFO(name_of(programs[i].first) << "\n" << results[i].out << results[i].err);
    CHECK(results[i].status == benchmark::Status::ok);
  }
}

}  // namespace languages_test
