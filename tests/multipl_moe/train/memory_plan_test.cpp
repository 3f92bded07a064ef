#include "multipl_moe/train/memory_plan.hpp"

#include <algorithm>
#include <memory>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/parameter_count.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "support/catch.hpp"

namespace memory_plan_test {

using namespace multipl_moe;

namespace {

/// The paper's model.
ModelConfig full_size() {
  ModelConfig config = size_named("qwen1.5-1.8b");
  config.moe = mixture_named("multipl-moe");
  return config;
}

const MicroBatch four_texts{.sequences = 4, .length = 1024};

}  // namespace

TEST_CASE("a plan counts the memory of a model in training") {
  ModelConfig config = size_named("tiny");
  config.moe = mixture_named("causal-multipl-moe");
  const auto trains = post_training_weights(config);
  const auto model = make_language_model(config, 1);
  model->begin_training(trains);
  std::size_t weights = 0, moments = 0;
  for (const TensorRef& slot : model->tensors()) weights += slot.bytes;
  for (const TensorRef& tensor : model->optimizer_state()) moments += tensor.bytes;

  const TrainingCounts counts = training_counts(config, trains);
  const MemoryPlan plan = host_plan(config, counts, {2, 64}, {});
  CHECK(plan.weights == static_cast<std::int64_t>(weights));
  CHECK(plan.moments == static_cast<std::int64_t>(moments));
  CHECK(2 * plan.gradients == plan.moments);
  CHECK(plan.total() == plan.weights + plan.gradients + plan.moments + plan.activations);
  CHECK(checkpoint_bytes(counts, {}) == static_cast<std::int64_t>(weights + moments));
}

TEST_CASE("a plan counts first segments that experts take beyond their capacity") {
  const ModelConfig looks_ahead = full_size();
  ModelConfig causal = full_size();
  causal.moe = mixture_named("causal-multipl-moe");
  const auto more = [&](const MicroBatch& batch) {
    return activation_values(causal, batch) - activation_values(looks_ahead, batch);
  };
  CHECK(more({.sequences = 1, .length = 1024}) == 0);
  CHECK(more(four_texts) > 0);
  // Sequences of one segment, which all six experts may take instead of one: in each layer and in the current one.
  const MicroBatch short_texts{.sequences = 64, .length = causal.moe->segment_window};
  const std::int64_t inner = 2 * causal.expert_width() * short_texts.tokens();
  CHECK(more(short_texts) <= 5 * inner * (causal.num_hidden_layers + 1));
  CHECK(static_cast<double>(more(short_texts)) > 4.9 * static_cast<double>(inner * (causal.num_hidden_layers + 1)));
}

TEST_CASE("at full size a plan has the parameters of the parameter count") {
  const TrainingCounts counts = training_counts(full_size(), post_training_weights(full_size()));
  CHECK(counts.weights == parameter_count_of(full_size()).total);
  CHECK(counts.trainable == parameter_count_of(full_size()).trainable);
  // One projection of an expert.
  CHECK(counts.largest == 2048 * 5504);
}

TEST_CASE("activations grow with the tokens, and activation checkpointing stores fewer of them") {
  for (const std::string architecture : {"dense", "multipl-moe", "mixtral", "qwen1.5-moe", "lora"}) {
    INFO(architecture);
    ModelConfig config = size_named("qwen1.5-1.8b");
    config.moe = mixture_named(architecture);
    const auto values = [&](const MicroBatch& batch) { return activation_values(config, batch); };
    CHECK(values({4, 1024}) > values({2, 1024}));
    CHECK(values({4, 1024}) == values({2, 2048}));
    CHECK(values({4, 1024, ActivationCheckpointing::on}) < values({4, 1024}) / 4);
  }
}

}  // namespace memory_plan_test
