#include "multipl_moe/exercises/benchmark_set.hpp"

#include <map>
#include <set>

#include "multipl_moe/exercises/evaluator.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace benchmark_set_test {

using namespace multipl_moe;
using namespace multipl_moe::exercises;

namespace {

std::set<Key> keys_of(const std::vector<Problem>& problems) {
  std::set<Key> keys;
  for (const Problem& problem : problems) keys.insert(problem.exercise.key);
  return keys;
}

bool is_disjoint(const std::set<Key>& left, const std::set<Key>& right) {
  return std::none_of(left.begin(), left.end(), [&](const Key& key) { return right.count(key) > 0; });
}

std::set<Key> trained_keys(Language language, std::int64_t files) {
  std::set<Key> keys;
  for (std::int64_t file = 0; file < files; ++file)
    for (const TrainingFunction& each : draw_training_functions(language, file, 20, 0)) keys.insert(each.exercise.key);
  return keys;
}

}  // namespace

TEST_CASE("the keys of training, dev and test are disjoint", "[exercises]") {
  const std::set<Key> dev = keys_of(draw_problems(Set::dev, 120, 0)), test = keys_of(draw_problems(Set::test, 120, 0));
  CHECK(dev.size() == 120);
  CHECK(test.size() == 120);
  CHECK(is_disjoint(dev, test));
  // Training text of one seed has none of the problems of another either.
  std::set<Key> nowhere, transfer;
  for (const std::uint64_t seed : {0u, 1u})
    for (const Set set : {Set::dev, Set::test})
      for (const Problem& problem : draw_problems(set, 120, seed))
        (problem.stratum == Stratum::nowhere ? nowhere : transfer).insert(problem.exercise.key);
  const std::set<Key> high = trained_keys(Language::python, 100), low = trained_keys(Language::ruby, 80);
  CHECK(is_disjoint(high, nowhere));
  CHECK(is_disjoint(low, nowhere));
  CHECK(is_disjoint(low, transfer));
  CHECK(!is_disjoint(high, transfer));
}

TEST_CASE("levels, strata and families are balanced", "[exercises]") {
  std::map<std::pair<Stratum, int>, int> levels;
  std::map<Family, int> families;
  for (const Problem& problem : draw_problems(Set::test, 120, 0)) {
    ++levels[{problem.stratum, level_of(problem.exercise.family)}];
    ++families[problem.exercise.family];
  }
  CHECK(levels.size() == 8);
  for (const auto& [part, count] : levels) CHECK(count == 15);
  CHECK(families.size() == all_families.size());
  for (const auto& [family, count] : families) CHECK(count == 30 / std::ssize(families_of(level_of(family))));
  const std::vector<Problem> wording = draw_problems(Set::wording, 120, 0);
  CHECK(wording.size() == 60);
  for (const Problem& problem : wording) CHECK(problem.stratum == Stratum::wording);
}

TEST_CASE("the tests of a problem pass its solution and fail all three mutants", "[exercises]") {
  for (const Set set : all_sets)
    for (const Problem& problem : draw_problems(set, 36, 5)) {
      INFO(problem.name);
      CHECK(problem.tested.calls.size() >= 4);
      for (const Call& call : problem.tested.calls)
        CHECK(Evaluator::result_of(problem.exercise.function, call.arguments) == call.result);
      for (const Function& mutant : problem.tested.mutants)
        CHECK(std::any_of(problem.tested.calls.begin(), problem.tested.calls.end(), [&](const Call& call) {
          return Evaluator::result_of(mutant, call.arguments) != call.result;
        }));
    }
}

TEST_CASE("training text has every family, and functions of level 1 most often", "[exercises]") {
  Draws draws(5, "training");
  std::map<Family, int> families;
  std::map<int, int> levels;
  for (int i = 0; i < 3000; ++i) {
    const Family family = draw_training_family(draws);
    ++families[family];
    ++levels[level_of(family)];
  }
  CHECK(families.size() == all_families.size());
  for (const auto& [family, count] : families) CHECK(count > 50);
  const auto is_near = [](int found, int wanted) { return std::abs(found - wanted) < 90; };
  // Weights of 8, 6, 5 and 3 of 22.
  CHECK(is_near(levels[1], 1091));
  CHECK(is_near(levels[2], 818));
  CHECK(is_near(levels[3], 682));
  CHECK(is_near(levels[4], 409));
}

TEST_CASE("the conditions of filters hold for some elements, and seldom for all", "[exercises]") {
  Draws draws(3, "conditions");
  int always = 0;
  for (int i = 0; i < 200; ++i) {
    const Exercise exercise = draw_exercise(Family::filters, draws);
    INFO(exercise.key);
    std::size_t elements = 0, kept = 0;
    Function counting = exercise.function;
    counting.result = Type::integer;
    counting.body.front() = declare(Local::count, number(0));
    counting.body[1].body.front().body = {add(Local::count, number(1))};
    counting.body.back() = give(local(Local::count));
    for (const Call& call : draw_calls(counting, 60, draws)) {
      elements += std::get<List>(call.arguments.front()).size();
      kept += static_cast<std::size_t>(std::get<std::int64_t>(call.result));
    }
    CHECK(kept > 0);
    always += kept == elements ? 1 : 0;
  }
  // Such as "divisible by 5, above 5 or not divisible by 6".
  CHECK(always <= 10);
}

TEST_CASE("a chain has two to five steps, of which few multiply or have a condition", "[exercises]") {
  Draws draws(4, "chains");
  std::set<std::size_t> lengths;
  for (int i = 0; i < 200; ++i) {
    const Function chain = draw_exercise(Family::chain, draws).function;
    const std::size_t steps = chain.body.size() - 2;
    std::size_t products = 0, conditions = 0;
    for_each_expression(chain.body, [&](const Expression& each) { products += each.op == Op::times ? 1u : 0u; });
    for (const Statement& each : chain.body) conditions += each.step == Step::branch ? 1u : 0u;
    CHECK(products <= 2);
    CHECK(conditions <= 3);
    lengths.insert(steps);
  }
  CHECK(lengths == std::set<std::size_t>{2, 3, 4, 5});
}

TEST_CASE("a sentence names the parameters, and that of wording differs from all for training", "[exercises]") {
  Draws draws(1, "sentences");
  for (const Family family : all_families)
    for (int i = 0; i < 30; ++i) {
      const Exercise exercise = draw_exercise(family, draws);
      INFO(exercise.key);
      const std::set<std::string> sentences(exercise.sentences.begin(), exercise.sentences.end());
      CHECK(sentences.size() == sentence_count);
      for (const std::string& sentence : sentences) {
        CHECK(sentence.find("{0}") != std::string::npos);
        CHECK((sentence.find("{1}") != std::string::npos) == (exercise.function.parameters.size() == 2));
        const std::string named = filled(sentence, {{"0", "first"}, {"1", "second"}});
        CHECK(named.find_first_of("{}") == std::string::npos);
        CHECK(named.ends_with('.'));
      }
      CHECK(exercise.sentences.back().starts_with("Give back"));
      for (std::size_t w = 0; w < training_sentences; ++w) CHECK(!exercise.sentences[w].starts_with("Give back"));
    }
}

TEST_CASE("equal keys are equal functions with equal sentences", "[exercises]") {
  Draws draws(2, "keys");
  std::map<Key, std::string> sentences;
  for (int i = 0; i < 4000; ++i) {
    const Exercise exercise = draw_exercise(draws.one_of(all_families), draws);
    const auto [known, is_new] = sentences.try_emplace(exercise.key, exercise.sentences[0]);
    CHECK(known->second == exercise.sentences[0]);
  }
  std::map<std::string, Key> keys;
  for (const auto& [key, sentence] : sentences) CHECK(keys.try_emplace(sentence, key).second);
}

TEST_CASE("a set with more problems than there are keys is refused", "[exercises]") {
  CHECK_THROWS_AS(draw_problems(Set::dev, 40'000, 0), UsageError);
}

}  // namespace benchmark_set_test
