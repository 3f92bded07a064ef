#include "multipl_moe/eval/complete_problems.hpp"

#include <algorithm>
#include <map>

#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace complete_problems_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using benchmark::Completion;
using benchmark::Problem;

namespace {

std::unique_ptr<LanguageModel> random_model() {
  auto model = make_language_model(tiny_config(), 1);
  model->initialize(3, 1.0);
  return model;
}

std::vector<Problem> problems() {
  return {{"a", Language::python, "def a", "t", {"\n#"}},
          {"b", Language::python, "def b", "t", {"\n#"}},
          {"a", Language::ruby, "def a", "t", {"\nend"}},
          {"c", Language::python, "c = 1", "t", {"xyz"}}};
}

using Key = std::pair<std::string, std::int64_t>;

std::map<Key, std::string> completed(const std::vector<Problem>& all, const std::vector<WantedSample>& wanted,
                                     CompletionOptions options) {
  const auto model = random_model();
  std::map<Key, std::string> texts;
  CompletionListener listener;
  listener.done = [&](const Completion& completion) {
    const Problem& problem = all[completion.problem];
    const std::string name = problem.name + std::string(name_of(problem.language));
    CHECK(texts.emplace(Key(name, completion.sample), completion.text).second);
  };
  listener.tick = [] {};
  GenerationSpeed speed;
  CHECK(complete_problems(*model, all, wanted, options, listener, speed) == 0);
  return texts;
}

}  // namespace

TEST_CASE("what is drawn depends on the seed, the problem and the sample alone", "[eval][complete]") {
  CompletionOptions options;
  options.temperature = 1;
  options.max_new_tokens = 12;
  options.seed = 5;
  const auto all = problems();
  std::vector<WantedSample> wanted;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::int64_t sample = 0; sample < 3; ++sample) wanted.emplace_back(i, sample);
  const auto expected = completed(all, wanted, options);
  REQUIRE(expected.size() == 12);
  CHECK(expected.at({"apython", 0}) != expected.at({"apython", 1}));
  CHECK(expected.at({"apython", 0}) != expected.at({"aruby", 0}));

  std::reverse(wanted.begin(), wanted.end());
  options.batch_size = 1;
  CHECK(completed(all, wanted, options) == expected);
  // Fewer problems, in another order.
  const std::vector<Problem> fewer{all[3], all[0]};
  const auto some = completed(fewer, {{0, 2}, {1, 0}}, options);
  CHECK(some.at({"cpython", 2}) == expected.at({"cpython", 2}));
  CHECK(some.at({"apython", 0}) == expected.at({"apython", 0}));
  options.seed = 6;
  CHECK(completed(all, wanted, options) != expected);
}

TEST_CASE("a prompt without room in the context gets an empty completion", "[eval][complete]") {
  auto config = tiny_config();
  config.max_position_embeddings = 16;
  const auto model = make_language_model(config, 1);
  const std::vector<Problem> all{{"long", Language::python, std::string(16, 'x'), "t"},
                                 {"fits", Language::python, std::string(10, 'x'), "t"}};
  std::vector<Completion> found;
  CompletionListener listener;
  listener.done = [&](const Completion& completion) { found.push_back(completion); };
  listener.tick = [] {};
  GenerationSpeed speed;
  CHECK(complete_problems(*model, all, std::vector<WantedSample>{{0, 0}, {1, 0}}, {}, listener, speed) == 1);
  REQUIRE(found.size() == 2);
  CHECK(found[0].problem == 0);
  CHECK(found[0].text.empty());
  CHECK(found[0].finish_reason == "length");
  CHECK(found[0].tokens == 0);
  CHECK(found[1].tokens > 0);
  CHECK(found[1].tokens <= 6);
}

TEST_CASE("what the listener throws ends the generation", "[eval][complete]") {
  const auto model = random_model();
  const auto all = problems();
  CompletionListener listener;
  listener.done = [](const Completion&) {};
  listener.tick = [] { throw Failure("stop"); };
  GenerationSpeed speed;
  CHECK_THROWS_AS(complete_problems(*model, all, std::vector<WantedSample>{{0, 0}}, {}, listener, speed), Failure);
}

}  // namespace complete_problems_test
