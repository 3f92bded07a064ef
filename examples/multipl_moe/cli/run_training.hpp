#pragma once

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace multipl_moe {

/// Runs train(), reports on stderr, and throws Interrupted if a signal ended the run.
TrainResult run_training(LanguageModel& model, BatchStream& stream, const TrainOptions& options);

}  // namespace multipl_moe
