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
  CHECK(checks.waits() == decltype(checks.waits()){.forward = 0, .loss = 1, .backward = 0});
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
  CHECK(checks.waits() == decltype(checks.waits()){.forward = 2, .loss = 1, .backward = 0});
  checks.decode(1e-11);
}

}  // namespace device_transformer_test
