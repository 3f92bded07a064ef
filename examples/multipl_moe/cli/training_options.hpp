/// Options of the training commands, `pretrain` and `train`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "multipl_moe/cli/device_option.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace multipl_moe {

/// Flags of --dry-run: a run is planned but not made.
struct DryRunFlags {
  bool on = false;
  bool json = false;
  std::uint64_t device_memory = 0;  ///< bytes of a GPU elsewhere; 0: the GPU of --device
  int ranks = 0;                    ///< processes on machines elsewhere; 0: those that a launcher has started
  int ranks_per_machine = 0;        ///< 0: all of them
  std::string bandwidth;            ///< GB/s, or GB/s,GB/s; empty: no times
  double step_time = 0;             ///< seconds of a step in one process; 0: unknown
};

/// The options that `pretrain` and `train` share.
struct TrainingFlags {
  std::string data;
  std::string output;
  std::int64_t steps = 1000;
  std::int64_t batch_size = 4;
  std::int64_t sequence_length = 256;
  std::int64_t accumulation = 1;
  std::int64_t gradient_slots = 0;  ///< 0: that of the run, or one for each process
  std::string placement;            ///< empty: that of the run, or everywhere
  double comm_timeout = 300;        ///< seconds
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
  bool async_checkpoint = false;
  std::int64_t eval_steps = 0;
  std::int64_t eval_sequences = 16;
  std::string eval_split = "dev";
  int threads = 0;
  bool quiet = false;
  bool resume = false;
  std::string device = "cpu", dtype;                ///< no dtype: the default on the device
  std::string master_weights, moments = "float32";  ///< empty master weights: the default for the dtype
  std::string optimizer_state;                      ///< empty: in the memory of the device
  DryRunFlags dry;

  ModelDtype model_dtype() const { return dtype_on(device, dtype); }
  AdamWPrecision precision() const;
  StatePlace state_place() const;
  /// Where the experts are to be: --placement, or that of a run that is resumed.
  ExpertPlacement expert_placement() const;
  /// The processes over which the experts are spread.
  ExpertSpread expert_spread() const;
  /// Number of processes that train together: those of --ranks, or those that a launcher has started; 1 if there are
  /// none.
  int processes() const;
  BatchOptions batch_options(const Tokenizer& tokenizer) const;
  /// The files for --eval-steps that are long enough for a sequence; none without it. A notice names the others. Throws
  /// UsageError if none is.
  LanguageFiles held_out(const Tokenizer& tokenizer) const;
  /// Options for train(), which then also writes config.toml and env.json. `command` and `stream` must outlive them.
  TrainOptions train_options(const CLI::App& command, const BatchStream& stream, const Tokenizer& tokenizer) const;
};
void add_training_options(CLI::App& command, TrainingFlags& flags);
/// The GPU of a run of `command`, or the one of --device-memory, without a name, that it is planned for; empty for the
/// CPU. Called before anything is read. Throws UsageError for flags that do not apply on the device, and as
/// require_device().
std::optional<Gpu> gpu_of(const std::string& command, const TrainingFlags& flags);
/// Checks the model of a run of `command`. Throws UsageError as require_positions(); for a resumed run, which keeps its
/// sequence length, it prints a notice instead. Throws also as require_master_weights(). Another notice names routers
/// that the loss does not train.
void check_run(const std::string& command, const ModelConfig& model, const TrainingFlags& flags);

/// Prints a notice for --balance-weight and --z-loss-weight if they are not at their default and `config` has no
/// routers.
void note_unused_loss_weights(const TrainingFlags& flags, const ModelConfig& config);

}  // namespace multipl_moe
