/// Options of the commands that train, pretrain and train.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace multipl_moe {

/// A run that is planned and not made.
struct DryRunFlags {
  bool on = false;
  bool json = false;
  std::uint64_t gpu_memory = std::uint64_t{139} << 30;
};

/// What pretrain and train have in common.
struct TrainingFlags {
  std::string data;
  std::string output;
  std::int64_t steps = 1000;
  std::int64_t batch_size = 4;
  std::int64_t sequence_length = 256;
  std::int64_t accumulation = 1;
  double learning_rate = 1e-3;
  double weight_decay = 0.1;
  double warm_up = 0.05;
  double final_rate = 0.1;
  double clip = 1.0;
  double balance_weight = 0.01;
  double z_weight = 0;
  bool recompute = false;
  std::uint64_t seed = 0;
  std::int64_t log_every = 50;
  std::int64_t save_steps = 0;
  std::int64_t keep_checkpoints = 2;
  std::int64_t eval_steps = 0;
  std::int64_t eval_sequences = 16;
  std::string eval_split = "dev";
  int threads = 0;
  bool quiet = false;
  bool resume = false;
  std::string master_weights = "float32", moments = "float32";
  DryRunFlags dry;

  AdamWPrecision precision() const;
  BatchOptions batch_options(const Tokenizer& tokenizer) const;
  /// With what describes the run in its folder: config.toml and env.json. `command` and `stream` must outlive it.
  TrainOptions train_options(const CLI::App& command, const BatchStream& stream, const Tokenizer& tokenizer) const;
};
void add_training_options(CLI::App& command, TrainingFlags& flags);
/// What a run of `command` asks of its model: throws UsageError as require_positions(), but for a run that goes on as
/// it began, and says in a notice what training will not reach.
void check_run(const std::string& command, const ModelConfig& model, const TrainingFlags& flags);

/// A notice for each weight of a loss that `config` has no router for, where it is another than the default.
void note_idle_losses(const TrainingFlags& flags, const ModelConfig& config);

}  // namespace multipl_moe
