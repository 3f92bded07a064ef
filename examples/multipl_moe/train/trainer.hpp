/// The training loop: gradient accumulation, schedule, clipping, metrics, checkpoints, and skipping of steps whose loss
/// or gradient is not finite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "moe/train/adamw.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/evaluate.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/train/progress.hpp"
#include "multipl_moe/train/run_checkpoints.hpp"
#include "multipl_moe/train/run_routing.hpp"

namespace multipl_moe {

/// The state from which a process starts or resumes a run.
struct RunBeginning {
  std::int64_t steps_done = 0;
  /// The number of steps that the run had before this process, if it differs.
  std::optional<std::int64_t> other_steps{};
  /// Learning rate of the next step, and that of the last step on the schedule of other_steps; only if other_steps is
  /// set.
  double rate = 0, other_rate = 0;
};

struct TrainOptions {
  std::int64_t steps = 1000;
  std::int64_t accumulation = 1;                                         ///< micro-batches per step
  double learning_rate = 1e-3;                                           ///< peak learning rate
  double final_rate = 0.1;                                               ///< share of the peak, at the cosine's end
  double warm_up = 0.05;                                                 ///< share of the steps
  double clip = 1.0;                                                     ///< limit of the gradient's global norm
  double balance_weight = 0.01;                                          ///< alpha of eq. 8
  double z_weight = 0;                                                   ///< weight of the router z-loss
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;  ///< does not change the results
  moe::AdamW optimizer;
  AdamWPrecision precision;
  StatePlace state_place = StatePlace::device;  ///< does not change the results
  moe::TrainByName trains;
  std::shared_ptr<const RunRanks> ranks;  ///< that train together, each with a model and a stream; null: one
  RankWaits waits;                        ///< of the ranks for each other; the longer one until the first step is done
  std::int64_t gradient_slots = 0;        ///< of all ranks; 0: that of a resumed run, or one for each rank
  std::string origin = "given";  ///< names the starting weights of the run; a run resumes only with the same name

  std::int64_t log_every = 50;        ///< steps between plain progress lines; 0: none
  std::int64_t loads_every = 1;       ///< steps between reports with the loads of experts
  std::int64_t save_every = 0;        ///< steps between checkpoints; 0: only at the end
  std::int64_t keep_checkpoints = 2;  ///< number of newest checkpoints that are kept
  bool async_checkpoint = false;      ///< writes checkpoints from a copy while training continues; same files
  std::int64_t eval_every = 0;        ///< steps between evaluations on `held_out`; 0: none
  LanguageFiles held_out;
  EvaluateOptions evaluation;
  /// Records the expert choices of each sequence and is written when the run ends; may be null.
  RecordedRouting* record = nullptr;
  /// Recorded expert choices of each sequence; null: the routers choose.
  const ReplayedRouting* replay = nullptr;
  std::string label;          ///< in front of progress lines
  std::filesystem::path run;  ///< run folder for metrics.jsonl and checkpoints; empty: neither
  RunStart start = RunStart::fresh;
  /// Called before the first step, after the run's folder was checked and a checkpoint was loaded.
  std::function<void(const RunBeginning&)> before_run;
  /// Called after each step; for tests and timed runs.
  std::function<void(std::int64_t step)> after_step;
  /// Called with the report of each step, including skipped ones, before after_step.
  std::function<void(const StepReport&)> on_report;
};

/// Result of the whole run, unless a field is of this process only.
struct TrainResult {
  std::int64_t steps = 0;            ///< steps that updated the weights
  std::int64_t skipped = 0;          ///< steps skipped because the loss or gradient was not finite
  std::int64_t steps_before = 0;     ///< updated and skipped steps done before this process resumed the run
  std::int64_t tokens = 0;           ///< in this process
  double seconds = 0;                ///< in this process, without evaluations
  double last_loss = 0;              ///< nats per token, mean over the last step's micro-batches
  int signal = 0;                    ///< number of the signal that ended the run early; 0: none
  std::filesystem::path checkpoint;  ///< the newest checkpoint; empty if there is none

  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

/// Trains `model` on `stream` from their current state or, with RunStart::resume, from the newest valid checkpoint. A
/// run that was stopped at any moment and resumed is bitwise identical to an uninterrupted one. If it is resumed with
/// another number of steps, at least as many as are done, it continues on the learning rate schedule of that number.
/// With async_checkpoint, all checkpoints but the last are written by another thread, one at a time, and a failed one
/// ends the run after the current step; if memory for the copy is short, a notice says so, and the run saves between
/// its steps. SIGINT and SIGTERM stop the run after the current step, with a checkpoint if there is a run folder. A
/// step whose loss or gradient is not finite is skipped and counted; weights, moments and thresholds do not change.
/// Throws NonFinite, with the last good checkpoint, after 10 such steps in a row; also the errors of RunCheckpoints and
/// Metrics.
///
/// On several ranks all call it together. They share the micro-batches of each step, and `accumulation` counts those of
/// all. Results are bitwise identical for every number of ranks with the same number of slots if the ranks' numbers of
/// slots are powers of two. Rank 0 writes files and progress; async_checkpoint is ignored. Throws also moe::CommError,
/// after which every rank must end, and as TrainingRanks.
TrainResult train(LanguageModel& model, BatchStream& stream, const TrainOptions& options);

}  // namespace multipl_moe
