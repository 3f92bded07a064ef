/// The same training runs on the CPU and on the emulated device.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../train/tiny_run.hpp"
#include "bench/gpu_program/model_values.hpp"
#include "emulated_model.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/tensor_files.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace multipl_moe::testing {

/// Every architecture that a configuration can name, small enough to train in milliseconds per step.
inline std::vector<MoeConfig> small_mixtures() {
  std::vector<MoeConfig> all;
  for (const std::string& name : mixture_names()) {
    MoeConfig moe = mixture_named(name, tiny_config().intermediate_size).value();
    moe.num_token_experts = 4;
    if (moe.num_segment_experts > 0) moe.num_segment_experts = 3;
    moe.segment_window = 8;
    moe.lora_rank = 3;
    moe.language_rank = 2;
    moe.shared_rank = 4;
    all.push_back(std::move(moe));
  }
  return all;
}
/// The one of these with this architecture.
inline MoeConfig small_mixture_of(const std::string& architecture) {
  for (const MoeConfig& mixture : small_mixtures())
    if (mixture.architecture == architecture) return mixture;
  throw std::invalid_argument("no mixture is called " + architecture);
}

using gpu_program::copy_values;
using gpu_program::hash_of;

/// A training run of an architecture, from weights that bfloat16 holds exactly.
class DeviceRun {
 public:
  /// No mixture: a dense model, all of whose weights train.
  explicit DeviceRun(const TinyRun& tiny, std::optional<MoeConfig> mixture = {}) : tiny_(&tiny) {
    start_ = make_language_model(tiny_config(), 1);
    copy_values(*tiny.model, *start_);
    if (mixture) start_ = upcycled(*start_, *mixture, {.seed = 4});
    const auto rounded = make_language_model(start_->config(), 1, ModelDtype::bfloat16);
    copy_values(*start_, *rounded);
    copy_values(*rounded, *start_);
  }

  const ModelConfig& config() const { return start_->config(); }

  std::unique_ptr<LanguageModel> on_cpu(ModelDtype dtype = ModelDtype::float32) const {
    return started(make_language_model(config(), 1, dtype));
  }
  std::unique_ptr<LanguageModel> on_device(ModelDtype dtype, const ExpertSpread& spread = {}) const {
    return started(make_emulated_model(config(), dtype, spread));
  }

  TrainOptions options(std::int64_t steps) const {
    TrainOptions options;
    options.steps = steps;
    options.accumulation = 2;
    options.learning_rate = 0.01;
    options.log_every = 0;
    options.trains = post_training_weights(config());
    return options;
  }
  static TrainOptions in_bfloat16(TrainOptions options,
                                  AdamWPrecision::Moments moments = AdamWPrecision::Moments::bfloat16) {
    options.precision = {moe::MasterWeights::split, moments};
    return options;
  }

  /// The loss of each step.
  std::vector<double> losses(LanguageModel& model, TrainOptions options) const {
    std::vector<double> losses;
    options.on_report = [&](const StepReport& report) { losses.push_back(report.loss); };
    auto stream = tiny_->stream();
    train(model, stream, options);
    return losses;
  }

 private:
  std::unique_ptr<LanguageModel> started(std::unique_ptr<LanguageModel> model) const {
    copy_values(*start_, *model);
    return model;
  }

  const TinyRun* tiny_;
  std::unique_ptr<LanguageModel> start_;
};

}  // namespace multipl_moe::testing
