#include "multipl_moe/train/trainer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "moe/train/clip.hpp"
#include "moe/train/schedule.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/metrics.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

constexpr int non_finite_limit = 10;

/// Forward and backward over one step's micro-batches; means over them.
MicroBatchLoss accumulate_step(LanguageModel& model, BatchStream& stream, const TrainOptions& options,
                               TokenBatch& batch) {
  MicroBatchLoss mean;
  const double share = 1.0 / static_cast<double>(options.accumulation);
  for (std::int64_t micro = 0; micro < options.accumulation; ++micro) {
    stream.next(batch);
    const MicroBatchLoss loss =
        model.accumulate({batch.sequences, batch.length, batch.tokens, batch.targets}, share, options.balance_weight);
    mean.loss += share * loss.loss;
    mean.balance += share * loss.balance;
  }
  return mean;
}

std::filesystem::path save_checkpoint(LanguageModel& model, const std::filesystem::path& run, std::int64_t step) {
  const std::string name = fmt::format("step-{:06}", step);
  const auto folder = run / "checkpoints" / name;
  save_model(model, folder);
  write_file_atomically(run / "checkpoints" / "LATEST", name + "\n");
  return folder;
}

}  // namespace

TrainResult train(LanguageModel& model, BatchStream& stream, const TrainOptions& options) {
  const InterruptGuard guard;
  Progress progress(options.label, options.log_every);
  Metrics metrics(options.run);
  const moe::CosineSchedule schedule{
      .peak = options.learning_rate,
      .floor = options.final_rate * options.learning_rate,
      .warm_up = static_cast<std::int64_t>(std::llround(options.warm_up * static_cast<double>(options.steps))),
      .total = options.steps};
  model.begin_training(options.trains);

  TrainResult result;
  TokenBatch batch;
  int bad_in_a_row = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t step = 1; step <= options.steps && !result.interrupted; ++step) {
    const MicroBatchLoss loss = accumulate_step(model, stream, options, batch);
    const double norm = model.gradient_norm();
    const bool finite = std::isfinite(loss.loss) && std::isfinite(loss.balance) && std::isfinite(norm);
    if (finite) {
      model.step(options.optimizer, schedule.at(step), ++result.steps, moe::clip_factor(norm, options.clip));
      bad_in_a_row = 0;
    } else {
      model.discard_step();
      ++result.skipped;
      if (++bad_in_a_row == non_finite_limit)
        throw NonFinite(fmt::format(
            "[train] the loss or its gradient was not finite in {} steps in a row, the last at "
            "step {} (loss {}, gradient norm {}); last good checkpoint: {}",
            non_finite_limit, step, loss.loss, norm, result.checkpoint.empty() ? "none" : result.checkpoint.string()));
    }
    result.tokens += batch.sequences * batch.length * options.accumulation;
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.last_loss = loss.loss;
    const StepReport report{
        .step = step,
        .total = options.steps,
        .loss = loss.loss,
        .auxiliary = options.balance_weight * loss.balance,
        .rate = schedule.at(step),
        .gradient_norm = norm,
        .tokens_per_second = result.tokens_per_second(),
        .memory_bytes = resident_bytes(),
        .seconds_left = result.seconds / static_cast<double>(step) * static_cast<double>(options.steps - step)};
    progress.show(report);
    metrics.add(report, !finite);
    if (options.after_step) options.after_step(step);
    result.interrupted = InterruptGuard::interrupted();
    const bool due = options.save_every > 0 && step % options.save_every == 0;
    if (!options.run.empty() && (due || result.interrupted || step == options.steps))
      result.checkpoint = save_checkpoint(model, options.run, step);
  }
  return result;
}

}  // namespace multipl_moe
