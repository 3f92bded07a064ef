/// Whole models on the emulated device in double, against the CPU.
#include "check_model.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_transformer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::Emulated;

namespace {

using Here = Architectures<double, moe::Cpu<>>;
using There = Architectures<double, Emulated>;

}  // namespace

TEST_CASE("a dense model on a device has the logits, losses and gradients of the CPU", "[device]") {
  auto config = small_config();
  SECTION("as it is") {}
  SECTION("tied") { config.tie_word_embeddings = true; }
  SECTION("with norms of queries and keys, a window and a scaled rotary embedding") {
    config.attention_head_dim = 6;
    config.qk_norm = true;
    config.windows = {0, 3};
    config.rope_scaling = {.type = RotaryScaling::Type::dynamic, .factor = 2, .original_positions = 6};
  }
  const ModelChecks<Here::Dense, There::Dense> checks(config, 3);
  checks.agree(1e-22);
  const auto step = checks.step_counts();
  CHECK(step.forward.waits == 0);
  CHECK(step.loss.waits == 1);
  CHECK(step.backward.waits == 0);
  if (config.rope_scaling.type == RotaryScaling::Type::none) checks.decode(1e-11);
}
TEST_CASE("a model with adapters on a device has the logits, losses and gradients of the CPU", "[device]") {
  ModelChecks<Here::Lora, There::Lora>(small_config(small_mixture("lora")), 3).agree(1e-22);
}
TEST_CASE("mixtures of experts on a device have the logits, losses and gradients of the CPU", "[device]") {
  ModelChecks<Here::Qwen15Moe, There::Qwen15Moe>(small_config(small_mixture("qwen1.5-moe")), 3).agree(1e-22);
  ModelChecks<Here::Paper<moe::FixedFusion>, There::Paper<moe::FixedFusion>>(small_config(small_mixture("multipl-moe")),
                                                                             3)
      .agree(1e-22);
}
TEST_CASE("a causal mixture of experts is trained and decoded on a device as on the CPU", "[device]") {
  using Fusion = moe::NormalizedFusion;
  const ModelChecks<Here::Causal<Fusion>, There::Causal<Fusion>> checks(
      small_config(small_mixture("causal-multipl-moe", "normalized")), 3);
  checks.agree(1e-22);
  // In forward, one for each of the two layers: the numbers of rows of the experts.
  const auto step = checks.step_counts();
  CHECK(step.forward.waits == 2);
  CHECK(step.loss.waits == 1);
  CHECK(step.backward.waits == 0);
  checks.decode(1e-11);
}

TEST_CASE("a pass uploads its tokens and positions once for all layers, and its rotary table never again", "[device]") {
  auto config = small_config();
  config.num_hidden_layers = GENERATE(1, 3);
  const ModelChecks<Here::Dense, There::Dense> checks(config, 3);
  const auto& model = checks.there;
  const auto& context = checks.context;
  // The first pass makes the table.
  CHECK(checks.step_counts().forward.waits == 1);
  const auto step = checks.step_counts();
  // Tokens, positions, and the places of the tokens in their sequences.
  CHECK(step.forward.uploads == 3);
  CHECK(step.loss.uploads == 1);
  // The tokens, in the order in which the embedding's gradients are added.
  CHECK(step.backward.uploads == 3);

  auto state = model.begin_decoding(context, 2);
  const auto prefill = checks.counts([&] { model.prefill(context, checks.tokens, moe::Batch::ragged({9, 4}), state); });
  // As forward, and the rows of the last tokens.
  CHECK(prefill.uploads == 4);
  CHECK(prefill.waits == 0);
  for (int t = 0; t < 3; ++t) {
    const auto decode = checks.counts([&] { model.decode(context, std::vector<std::int32_t>{1, 2}, {}, state); });
    // Tokens and positions, and in each layer the places of the caches.
    CHECK(decode.uploads == 2 + config.num_hidden_layers);
    CHECK(decode.waits == 0);
  }
}
TEST_CASE("the last tokens of all prompts are read at once", "[device]") {
  auto config = small_config();
  config.num_hidden_layers = 0;
  const ModelChecks<Here::Dense, There::Dense> checks(config, 3);
  for (const moe::Index sequences : {1, 2, 13}) {
    auto state = checks.there.begin_decoding(checks.context, sequences);
    const auto batch = moe::Batch::sequences(sequences, 1);
    const auto tokens = std::span(checks.tokens).first(static_cast<std::size_t>(sequences));
    const auto prefill = checks.counts([&] { checks.there.prefill(checks.context, tokens, batch, state); });
    // The embedding, the last tokens, the norm, the head.
    CHECK(prefill.launches == 4);
  }
}

}  // namespace device_transformer_test
