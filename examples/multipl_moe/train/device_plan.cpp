#include "multipl_moe/train/device_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "moe/train/state_place.hpp"
#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/parameter_count.hpp"

namespace multipl_moe {

namespace {

std::int64_t activation_bytes(const ModelConfig& config, const MicroBatch& batch) {
  constexpr double value = 2;
  const ActivationValues values = activation_values_by_part(config, batch);
  // A score and its gradient are in float32, and both again in bfloat16.
  const std::int64_t scratch = attention_scratch_bytes(config, batch.sequences, batch.length, 2 * (4 + 2));
  // What a layer has saved: with gradient checkpointing it is computed again for its own backward pass.
  const double again = batch.checkpointing == ActivationCheckpointing::on ? values.layer : 0;
  // The backward passes of the loss, and of a layer's feed-forward network and attention, follow each other. That of
  // attention begins when what the network has saved is released. A logit is in float32, its gradient in bfloat16.
  const double loss =
      (4 + value) * static_cast<double>(std::min(batch.tokens(), logit_rows_of_a_device) * config.vocab_size);
  const double network = value * (again + values.layer);
  const double attention =
      value * (again + values.outside - (values.layer - values.outside)) + static_cast<double>(scratch);
  return static_cast<std::int64_t>(value * (values.kept - again + 2 * values.input) +
                                   std::max({loss, network, attention}));
}

}  // namespace

std::string DeviceForm::name() const {
  return fmt::format("{} master weights, {} moments{}{}", name_of(precision.master), name_of(precision.moments),
                     checkpointing == ActivationCheckpointing::on ? ", gradient checkpointing" : "",
                     state == StatePlace::host ? ", optimizer state in host memory" : "");
}

std::string DeviceForm::flags() const {
  std::vector<std::string> flags;
  if (precision.master != moe::MasterWeights::split)
    flags.push_back(fmt::format("--master-weights {}", name_of(precision.master)));
  if (precision.moments != AdamWPrecision::Moments::float32)
    flags.push_back(fmt::format("--moments {}", name_of(precision.moments)));
  if (checkpointing == ActivationCheckpointing::on) flags.emplace_back("--gradient-checkpointing");
  if (state == StatePlace::host) flags.emplace_back("--optimizer-state host");
  return fmt::format("{}", fmt::join(flags, " "));
}

std::vector<DeviceForm> all_device_forms() {
  std::vector<DeviceForm> forms;
  for (const StatePlace state : {StatePlace::device, StatePlace::host})
    for (const AdamWPrecision precision : all_adamw_precisions)
      for (const auto checkpointing : {ActivationCheckpointing::off, ActivationCheckpointing::on})
        if (precision.master != moe::MasterWeights::float32) forms.push_back({precision, checkpointing, state});
  return forms;
}

DevicePlan device_plan(const ModelConfig& config, const TrainingCounts& counts, MicroBatch batch,
                       const DeviceForm& form) {
  batch.checkpointing = form.checkpointing;
  const std::int64_t state = form.precision.bytes() * counts.part.owned;
  // Of state in host memory, pieces are on the device: one that comes, one that is updated, one that goes.
  const std::int64_t pieces =
      form.precision.bytes() * moe::Offloaded::slot_count * moe::Offloaded().values_of_slot(counts.largest);
  const bool is_on_host = form.state == StatePlace::host;
  return {.device = {.weights = weight_bytes(counts, ModelDtype::bfloat16),
                     .gradients = 4 * counts.trainable * counts.part.gradients,
                     .moments = is_on_host ? pieces : state,
                     .activations = activation_bytes(config, batch),
                     .exchange = counts.part.exchange_bytes},
          .reserve = device_reserve,
          .pinned = is_on_host ? state : 0};
}

std::vector<DeviceRow> device_rows(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                                   std::int64_t device, std::optional<std::int64_t> host) {
  std::vector<DeviceRow> rows;
  for (const DeviceForm& form : all_device_forms()) {
    const DevicePlan plan = device_plan(config, counts, batch, form);
    rows.push_back({form, plan, plan.on_device() <= device && (!host || plan.pinned <= *host)});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const DeviceRow& a, const DeviceRow& b) {
    return a.fits != b.fits ? a.fits : !a.fits && a.plan.on_device() < b.plan.on_device();
  });
  return rows;
}

double training_operations(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           std::int64_t length, ActivationCheckpointing checkpointing) {
  const MatrixValues values = matrix_values_of_token(config, trains);
  const double layers = static_cast<double>(config.num_hidden_layers);
  // A query attends to half of the keys on average, in two products forward and in five backward.
  const double product = layers * static_cast<double>(length * config.num_attention_heads * config.head_dim());
  const double again = checkpointing == ActivationCheckpointing::on ? 2 * values.in_layers + 2 * product : 0;
  return 2 * (2 * (values.in_layers + values.in_head) + values.trainable) + 7 * product + again;
}

}  // namespace multipl_moe
