/// The training loop: gradient accumulation, schedule, clipping, metrics, checkpoints, and the refusal to let a
/// non-finite number near the weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/evaluate.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/train/progress.hpp"
#include "multipl_moe/train/run_checkpoints.hpp"
#include "multipl_moe/train/run_routing.hpp"

namespace multipl_moe {

/// Where a process takes a run up.
struct RunBeginning {
  std::int64_t steps_done = 0;
  /// Of the run before this process, where it was to have another number of steps.
  std::optional<std::int64_t> other_steps{};
  /// Learning rate of the next step, and of the last one with other_steps; where these are set.
  double rate = 0, other_rate = 0;
};

struct TrainOptions {
  std::int64_t steps = 1000;
  std::int64_t accumulation = 1;                                         ///< micro-batches in a step
  double learning_rate = 1e-3;                                           ///< at the peak
  double final_rate = 0.1;                                               ///< of the peak, at the end of the cosine
  double warm_up = 0.05;                                                 ///< of the steps
  double clip = 1.0;                                                     ///< global norm of the gradient
  double balance_weight = 0.01;                                          ///< alpha of eq. 8
  double z_weight = 0;                                                   ///< of the router z-loss
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;  ///< of activations; changes no number
  moe::AdamW optimizer;
  AdamWPrecision precision;
  moe::TrainByName trains;
  std::string origin = "given";  ///< names the weights that the run begins with; a run resumes only with the same name

  std::int64_t log_every = 50;        ///< steps between plain progress lines; 0 is silent
  std::int64_t save_every = 0;        ///< steps between checkpoints; 0 is only at the end
  std::int64_t keep_checkpoints = 2;  ///< newest ones that stay
  std::int64_t eval_every = 0;        ///< steps between evaluations on `held_out`; 0: none
  LanguageFiles held_out;
  EvaluateOptions evaluation;
  /// Takes in which experts are chosen for each sequence, and is written when the run ends; may be null.
  RecordedRouting* record = nullptr;
  /// Says which experts are chosen for each sequence; null: the routers do.
  const ReplayedRouting* replay = nullptr;
  std::string label;          ///< in front of progress lines
  std::filesystem::path run;  ///< run folder for metrics.jsonl and checkpoints; empty: neither
  RunStart start = RunStart::fresh;
  /// Called before the first step, once it is sure that the run may begin or go on in its folder.
  std::function<void(const RunBeginning&)> before_run;
  /// Called after each step; for tests and for runs that are timed.
  std::function<void(std::int64_t step)> after_step;
  /// Told of each step, also of one that was not taken, before after_step is called.
  std::function<void(const StepReport&)> on_report;
};

/// Of the whole run, where nothing else is said.
struct TrainResult {
  std::int64_t steps = 0;            ///< in which the weights moved
  std::int64_t skipped = 0;          ///< because loss or gradient was not finite
  std::int64_t steps_before = 0;     ///< of both kinds, done before this process went on with the run
  std::int64_t tokens = 0;           ///< in this process
  double seconds = 0;                ///< in this process, without evaluations
  double last_loss = 0;              ///< nats per token, mean over the last step's micro-batches
  int signal = 0;                    ///< that ended the run early; 0: none
  std::filesystem::path checkpoint;  ///< the newest; empty where there is none

  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

/// Trains `model` on `stream`, from their state now or, with RunStart::resume, from the newest whole checkpoint: a run
/// that was ended at any moment and resumed gives the bits of one that was not. Resumed with another number of steps,
/// at least as many as are done, it follows from there on the schedule of a run of so many. SIGINT and SIGTERM end it
/// after the step under way, with a checkpoint where there is a run folder. A step whose loss or gradient is not finite
/// is skipped and counted: weights, moments and thresholds stay as they were. Throws NonFinite after 10 such steps in a
/// row, naming the last good checkpoint; as RunCheckpoints and Metrics.
TrainResult train(LanguageModel& model, BatchStream& stream, const TrainOptions& options);

}  // namespace multipl_moe
