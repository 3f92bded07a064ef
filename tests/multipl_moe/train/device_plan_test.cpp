/// Plans for a GPU, compared with arithmetic by hand.
#include "multipl_moe/train/device_plan.hpp"

#include <algorithm>

#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "support/catch.hpp"

namespace device_plan_test {

using namespace multipl_moe;
using enum moe::MasterWeights;

namespace {

/// The paper's model: 10.765 B weights, of which 8.928 B train.
ModelConfig full_size() {
  ModelConfig config = size_named("qwen1.5-1.8b");
  config.moe = mixture_named("multipl-moe");
  return config;
}
TrainingCounts full_counts() { return training_counts(full_size(), post_training_weights(full_size())); }

const MicroBatch four_texts{.sequences = 4, .length = 1024};
constexpr auto wide = AdamWPrecision::Moments::float32, narrow = AdamWPrecision::Moments::bfloat16;
constexpr auto on = ActivationCheckpointing::on, off = ActivationCheckpointing::off;

DevicePlan plan(const DeviceForm& form) { return device_plan(full_size(), full_counts(), four_texts, form); }
double gibibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }
constexpr std::int64_t gib(std::int64_t gibibytes) { return gibibytes << 30; }

/// The best plan for a GPU and a machine with these sizes.
DeviceRow best(std::int64_t device, std::optional<std::int64_t> host) {
  return device_rows(full_size(), full_counts(), four_texts, device, host).front();
}

}  // namespace

// By hand: 10.765 B x 2 B; 8.928 B x 4 B; 8.928 B x (8 + 2), (4 + 2), 8 and 4 B.
TEST_CASE("the state of a training on a GPU has the bytes of its weights") {
  const MemoryPlan exact = plan({{split, wide}, off}).device;
  CHECK(gibibytes(exact.weights) == Approx(20.05).margin(0.01));
  CHECK(gibibytes(exact.gradients) == Approx(33.26).margin(0.01));
  CHECK(gibibytes(exact.moments) == Approx(83.15).margin(0.01));
  CHECK(gibibytes(plan({{split, narrow}, off}).device.moments) == Approx(49.89).margin(0.01));
  CHECK(gibibytes(plan({{bfloat16, wide}, off}).device.moments) == Approx(66.52).margin(0.01));
  CHECK(gibibytes(plan({{bfloat16, narrow}, off}).device.moments) == Approx(33.26).margin(0.01));
  CHECK(plan({{split, wide}, off}).pinned == 0);
  CHECK(gibibytes(plan({{split, wide}, off}).reserve) == 1.5);
}

// The largest tensor has 2048 x 5504 values, more than a piece.
TEST_CASE("state in host memory leaves three pieces on the GPU") {
  const DevicePlan exact = plan({{split, wide}, off, StatePlace::host});
  CHECK(exact.device.moments == 3 * (8 + 2) * (std::int64_t{1} << 23));
  CHECK(gibibytes(exact.pinned) == Approx(83.15).margin(0.01));
  CHECK(gibibytes(plan({{split, narrow}, off, StatePlace::host}).pinned) == Approx(49.89).margin(0.01));
  // Of smaller tensors, each piece has the values of the largest, rounded up to a multiple of 64.
  const TrainingCounts small{.weights = 900, .floats = 0, .trainable = 900, .largest = 65};
  CHECK(device_plan(full_size(), small, four_texts, {{split, wide}, off, StatePlace::host}).device.moments ==
        3 * (8 + 2) * 128);
}

// A layer keeps, for each of 4096 tokens, 4 rows of 2048, 4 of the heads' 2048, 16 sums of the softmax, 3 x 12 values
// of routing and 3 experts' 2 x 5504: 49,460 values of 2 bytes, 16,436 of them outside of the experts. Beside all 24
// layers there are two rows of 2048 and the largest of: as much as a layer (0.41 GB); attention's part of it and 12
// bytes for each of 4 x 16 x 1024 x 1024 scores, without the experts' part, which is released then (0.67 GB); 1024 x
// 151,936 logits of 4 bytes and their gradients of 2 (0.93 GB).
TEST_CASE("the activations of a training on a GPU are those of the model's text") {
  const double layer = 2 * 49460.0 * 4096, outside = 2 * 16436.0 * 4096, inputs = 2 * 2048.0 * 4096;
  const double scores = 12.0 * 4 * 16 * 1024 * 1024, logits = 6.0 * 1024 * 151936;
  CHECK(static_cast<double>(plan({{split, wide}, off}).device.activations) ==
        Approx(24 * layer + 2 * inputs + logits).epsilon(1e-9));
  CHECK(gibibytes(plan({{split, wide}, off}).device.activations) == Approx(9.96).margin(0.01));
  // With gradient checkpointing the inputs of 24 layers; while the loss is computed, no layer.
  CHECK(static_cast<double>(plan({{split, wide}, on}).device.activations) ==
        Approx(24 * inputs + 2 * inputs + layer + outside + scores - (layer - outside)).epsilon(1e-9));
  // A small vocabulary and short texts: the layer is the largest.
  ModelConfig config = full_size();
  config.vocab_size = 100;
  const MicroBatch short_texts{.sequences = 128, .length = 32};
  CHECK(static_cast<double>(device_plan(config, full_counts(), short_texts, {{split, wide}, off}).device.activations) ==
        Approx(25 * layer + 2 * inputs).epsilon(1e-9));
}

TEST_CASE("the scores of attention take memory up to their limit, at least that of one key-value head") {
  const ModelConfig config = full_size();
  const std::int64_t of_text = 12 * 16 * std::int64_t{1024} * 1024;
  CHECK(attention_scratch_bytes(config, 1, 1024, 12) == of_text);
  CHECK(attention_scratch_bytes(config, 4, 1024, 12) == 4 * of_text);
  CHECK(attention_scratch_bytes(config, 64, 1024, 12) == gib(1));
  CHECK(attention_scratch_bytes(config, 1, 100, 12) == 12 * 16 * std::int64_t{100} * 128);
  CHECK(attention_scratch_bytes(config, 1, 16384, 12) == 12 * std::int64_t{16384} * 16384);
  ModelConfig grouped = config;
  grouped.num_key_value_heads = 4;
  CHECK(attention_scratch_bytes(grouped, 1, 16384, 12) == 4 * 12 * std::int64_t{16384} * 16384);
}

TEST_CASE("plans are listed the best first: on the GPU, precise, without recomputing; then the smallest") {
  CHECK(all_device_forms().size() == 16);
  CHECK(all_device_forms().front() == DeviceForm{{split, wide}, off, StatePlace::device});
  CHECK(all_device_forms().back() == DeviceForm{{bfloat16, narrow}, on, StatePlace::host});
  // Exact AdamW needs 148 GiB; with moments of bfloat16 115.
  CHECK(best(gib(192), gib(0)).form == DeviceForm{{split, wide}, off, StatePlace::device});
  CHECK(best(gib(139), gib(0)).form == DeviceForm{{split, narrow}, off, StatePlace::device});
  CHECK(best(gib(110), gib(0)).form == DeviceForm{{split, narrow}, on, StatePlace::device});
  // 65 GiB and the state on the host, if it has the memory.
  CHECK(best(gib(79), gib(96)).form == DeviceForm{{split, wide}, off, StatePlace::host});
  CHECK(best(gib(79), std::nullopt).form == DeviceForm{{split, wide}, off, StatePlace::host});
  CHECK(best(gib(79), gib(64)).form == DeviceForm{{split, narrow}, off, StatePlace::host});
  CHECK(best(gib(79), gib(64)).fits);

  const auto rows = device_rows(full_size(), full_counts(), four_texts, gib(24), gib(24));
  CHECK(std::none_of(rows.begin(), rows.end(), [](const DeviceRow& row) { return row.fits; }));
  CHECK(std::is_sorted(rows.begin(), rows.end(),
                       [](const DeviceRow& a, const DeviceRow& b) { return a.plan.on_device() < b.plan.on_device(); }));
}

TEST_CASE("a plan has a name, and the flags of the command that follow it") {
  CHECK(DeviceForm{{split, wide}, off}.name() == "split master weights, float32 moments");
  CHECK(DeviceForm{{split, wide}, off}.flags().empty());
  const DeviceForm lean{{bfloat16, narrow}, on, StatePlace::host};
  CHECK(lean.name() ==
        "bfloat16 master weights, bfloat16 moments, gradient checkpointing, optimizer state in host memory");
  CHECK(lean.flags() == "--master-weights bfloat16 --moments bfloat16 --gradient-checkpointing --optimizer-state host");
  CHECK(DeviceForm{{split, wide}, off, StatePlace::host}.flags() == "--optimizer-state host");
}

// Per layer 4 x 2048^2 values of attention, 3 experts of 3 x 2048 x 5504 of which two train, and 12 x 2048 of routers,
// which train; a head of 2048 x 151,936. Two operations for each forward and for the gradient of the input, two more if
// it trains. Seven products of attention with on average half of 1024 keys of 2048 channels.
TEST_CASE("the operations of a token are those of its products") {
  const double expert = 3 * 2048.0 * 5504, head = 2048 * 151936.0;
  const double layer = 4 * 2048.0 * 2048 + 3 * expert + 12 * 2048;
  const double product = 24.0 * 1024 * 2048;
  const double trains = 24 * (2 * expert + 12 * 2048);
  const auto operations = [](ActivationCheckpointing checkpointing) {
    return training_operations(full_size(), post_training_weights(full_size()), 1024, checkpointing);
  };
  CHECK(operations(off) == Approx(4 * (24 * layer + head) + 2 * trains + 7 * product).epsilon(1e-9));
  CHECK(operations(off) == Approx(16.2e9).epsilon(0.005));
  CHECK(operations(on) - operations(off) == Approx(2 * 24 * layer + 2 * product).epsilon(1e-9));
  // A tied head is a product too, and the embedding none.
  ModelConfig tied = size_named("qwen1.5-1.8b");
  const double whole = training_operations(tied, moe::TrainByName(), 1024, off);
  tied.tie_word_embeddings = true;
  CHECK(training_operations(tied, moe::TrainByName(), 1024, off) == Approx(whole).epsilon(1e-9));
}

}  // namespace device_plan_test
