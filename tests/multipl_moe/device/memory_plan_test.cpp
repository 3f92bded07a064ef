/// The memory of a training step on the emulated device, against the plan for a GPU.
#include "../model/small_model.hpp"
#include "emulated_model.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/device_plan.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_memory_plan_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::BFloat16;
using B = moe::testing::EmulatedWarps;

namespace {

/// Wide enough that the blocks of memory, multiples of 256 bytes, are not rounded up by much.
ModelConfig wider_config(std::optional<MoeConfig> moe = {}) {
  ModelConfig config = small_config(std::move(moe));
  config.hidden_size = 64;
  config.intermediate_size = 160;
  config.num_hidden_layers = 5;
  config.num_key_value_heads = 4;
  config.vocab_size = 130;
  return config;
}

/// Bytes of a step's forward and backward pass beside weights and gradients.
template <class Mlp>
double found_bytes(const ModelConfig& config, const MicroBatch& size) {
  auto& memory = moe::testing::DeviceMemory::get();
  const B::Context context;
  const auto model = make_transformer(config, make_mlp<Mlp>);
  auto gradient = moe::accum_gradient_for(model);
  moe::set_to_zero(context, gradient);
  const auto tokens = random_tokens(size.tokens(), static_cast<std::int32_t>(config.vocab_size), 6);
  moe::Batch batch = moe::Batch::sequences(size.sequences, size.length);
  batch.tokens = tokens;
  memory.forget_peak();
  const std::size_t before = memory.live_bytes();
  auto forward = model.forward(context, tokens, batch, size.checkpointing);
  const CrossEntropy<BFloat16, B> loss_of;
  const auto [loss, d_h_TD] =
      loss_of.loss_and_gradient(context, model.head(), forward.output, tokens, 1, gradient.head());
  model.backward(context, d_h_TD, {}, tokens, batch, std::move(forward.saved), gradient);
  return static_cast<double>(memory.peak_bytes() - before);
}

template <class Mlp>
void check_plan(const ModelConfig& config) {
  const auto counts = training_counts(config, [](std::string_view) { return true; });
  for (const auto checkpointing : {ActivationCheckpointing::off, ActivationCheckpointing::on}) {
    const MicroBatch batch{.sequences = 2, .length = 96, .checkpointing = checkpointing};
    const DeviceForm form{{moe::MasterWeights::split, AdamWPrecision::Moments::float32}, checkpointing};
    const auto planned = static_cast<double>(device_plan(config, counts, batch, form).device.activations);
    const double found = found_bytes<Mlp>(config, batch);
    INFO((checkpointing == ActivationCheckpointing::on ? "recomputed: " : "kept: ")
         << "planned " << planned << ", found " << found);
    CHECK(found < 1.1 * planned);
    CHECK(found > 0.9 * planned);
  }
}

/// Most bytes on the device in a step of a training, with the model and its state.
double peak_bytes(const ModelConfig& config, const moe::TrainByName& trains, const MicroBatch& size,
                  const DeviceForm& form, std::int64_t& pinned) {
  auto& memory = moe::testing::DeviceMemory::get();
  const std::size_t before = memory.live_bytes();
  const auto model = make_emulated_model(config, ModelDtype::bfloat16);
  model->initialize(1, 0.1);
  model->begin_training(trains, form.precision, 1, form.state);
  pinned = 0;
  for (const TensorRef& tensor : model->optimizer_state())
    if (!tensor.memory.empty()) pinned += static_cast<std::int64_t>(tensor.bytes);
  const auto ids = random_tokens(size.tokens(), static_cast<std::int32_t>(config.vocab_size), 6);
  const std::vector<Token> tokens(ids.begin(), ids.end());
  const Sequences batch{size.sequences, size.length, tokens, tokens};
  memory.forget_peak();
  model->accumulate(batch, 1, {}, form.checkpointing);
  model->step({}, 1e-3, 1, 1 / (1 + model->gradient_norm()));
  return static_cast<double>(memory.peak_bytes() - before);
}

}  // namespace

TEST_CASE("a training takes the memory of its plan, with its optimizer state on the device and on the host",
          "[device]") {
  const moe::testing::WithLanes lanes(1);
  const ModelConfig config = wider_config(small_mixture("multipl-moe"));
  const auto trains = post_training_weights(config);
  const auto counts = training_counts(config, trains);
  const MicroBatch batch{.sequences = 2, .length = 96};
  for (const StatePlace place : {StatePlace::device, StatePlace::host}) {
    const DeviceForm form{
        {moe::MasterWeights::split, AdamWPrecision::Moments::float32}, ActivationCheckpointing::off, place};
    const DevicePlan plan = device_plan(config, counts, batch, form);
    const auto planned = static_cast<double>(plan.device.total());
    std::int64_t pinned = 0;
    const double found = peak_bytes(config, trains, batch, form, pinned);
    INFO(form.name() << ": planned " << planned << ", found " << found);
    CHECK(found < 1.1 * planned);
    CHECK(found > 0.9 * planned);
    // Routers are float32 and have no lower halves.
    CHECK(pinned <= plan.pinned);
    CHECK(static_cast<double>(pinned) >= 0.98 * static_cast<double>(plan.pinned));
  }
}

TEST_CASE("a step of a dense model takes the memory of its plan", "[device]") {
  check_plan<Architectures<BFloat16, B>::Dense>(wider_config());
}
TEST_CASE("a step of a mixture takes the memory of its plan", "[device]") {
  check_plan<Architectures<BFloat16, B>::Paper<moe::FixedFusion>>(wider_config(small_mixture("multipl-moe")));
}

}  // namespace device_memory_plan_test
