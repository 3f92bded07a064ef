/// The random numbers of routers in training.
#include <vector>

#include "moe/layers/token_moe.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/random_choice.hpp"
#include "multipl_moe/model/layer_maker.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace draws_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

using Expert = moe::SwiGlu<float, moe::Cpu<>>;
using RandomMoe = moe::TokenMoE<moe::RandomChoice, moe::SoftmaxOverChosen, moe::Unlimited, Expert>;

Layer random_layer(const ModelConfig& config) {
  return Layer(RandomMoe({.k = 1}, {}, {}, moe::ExpertBank<Expert>(4, config.hidden_size, config.intermediate_size)));
}

using Choices = std::vector<std::vector<moe::ChoiceOrder>>;

/// The selections of both layers in each of two steps; optionally appends the losses to `losses`.
Choices choices_of_two_steps(const TinyRun& run, std::uint64_t seed, std::vector<double>* losses = nullptr) {
  const auto model = make_language_model(tiny_config(), 1, random_layer);
  model->initialize(1, 0.05);
  Choices choices;
  model->observe([&](const moe::Observation& seen) { choices.push_back(seen.chosen); });
  BatchStream stream(run.files, {1, 1, 1, 1, 1, 1}, {.sequences = 2, .length = 32, .seed = seed});
  TrainOptions options;
  options.steps = 2;
  options.log_every = 0;
  options.on_report = [&](const StepReport& report) {
    if (losses != nullptr) losses->push_back(report.loss);
  };
  train(*model, stream, options);
  return choices;
}

}  // namespace

TEST_CASE("routers draw other numbers in each layer and step, and the same ones for the same seed", "[train]") {
  const TinyRun run;
  const Choices choices = choices_of_two_steps(run, 1);
  REQUIRE(choices.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(choices[i] != choices[j]);
  CHECK(choices_of_two_steps(run, 1) == choices);
  CHECK(choices_of_two_steps(run, 2) != choices);
}

TEST_CASE("a run calls on_report for each step", "[train]") {
  const TinyRun run;
  std::vector<double> losses;
  choices_of_two_steps(run, 1, &losses);
  REQUIRE(losses.size() == 2);
  // An untrained model with 257 tokens.
  CHECK(losses.front() == Catch::Approx(5.55).epsilon(0.05));
}

}  // namespace draws_test
