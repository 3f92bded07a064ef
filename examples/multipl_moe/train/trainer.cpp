#include "multipl_moe/train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <optional>
#include <utility>

#include "moe/train/clip.hpp"
#include "moe/train/schedule.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/eval/routing_tally.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/background_job.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/metrics.hpp"
#include "multipl_moe/train/progress.hpp"
#include "multipl_moe/train/tensors_of_ranks.hpp"
#include "multipl_moe/train/training_ranks.hpp"

namespace multipl_moe {

namespace {

constexpr int non_finite_limit = 10;

moe::CosineSchedule schedule_of(const TrainOptions& options) {
  return {.peak = options.learning_rate,
          .floor = options.final_rate * options.learning_rate,
          .warm_up = static_cast<std::int64_t>(std::llround(options.warm_up * static_cast<double>(options.steps))),
          .total = options.steps};
}

/// One micro-batch. Its expert choices are replayed or recorded if the options request it.
MicroBatchLoss accumulate_recorded(LanguageModel& model, const TokenBatch& batch, double share,
                                   const TrainOptions& options) {
  Sequences sequences{batch.sequences, batch.length, batch.tokens, batch.targets, batch.languages, batch.number};
  moe::RoutingReplay replay;
  if (options.replay != nullptr) {
    replay = options.replay->of(batch);
    sequences.routing = &replay;
  }
  const auto accumulate = [&] {
    try {
      return model.accumulate(sequences, share, {options.balance_weight, options.z_weight}, options.checkpointing);
    } catch (const moe::Error& error) {
      if (options.replay == nullptr) throw;
      options.replay->refuse(error);
    }
  };
  if (options.record == nullptr) return accumulate();
  moe::RoutingRecorder recorder(batch.sequences);
  recorder.expect(moe::Batch::sequences(batch.sequences, batch.length));
  const Observed observed(model, recorder.observer());
  const MicroBatchLoss loss = accumulate();
  options.record->add(batch, std::move(recorder.records()));
  return loss;
}

/// One process's part of a run.
class Training {
 public:
  Training(LanguageModel& model, BatchStream& stream, const TrainOptions& options)
      : model_(model),
        stream_(stream),
        options_(options),
        schedule_(schedule_of(options)),
        ranks_(options.ranks, options.accumulation),
        beginning_wait_(std::in_place, ranks_.several(), options.waits),
        progress_(options.label, ranks_.is_first() ? options.log_every : 0) {
    const auto free = free_memory_bytes();
    if (const RunRanks* const several = ranks_.several()) model.train_on(*several);
    model.begin_training(options.trains, options.precision, stream.options().seed, options.state_place);
    if (const RunRanks* const several = ranks_.several()) tensors_of_ranks_.emplace(*several, model);
    begin();
    metrics_.emplace(ranks_.is_first() ? options.run : std::filesystem::path(), state_.step);
    if (options.async_checkpoint && checkpoints_ && saves_before_the_end()) saves_beside_ = reserve_snapshots(free);
    if (options.before_run && ranks_.is_first()) options.before_run(beginning_);
  }

  TrainResult run() {
    start_ = std::chrono::steady_clock::now();
    while (state_.step < options_.steps && result_.signal == 0) {
      take_step();
      beginning_wait_.reset();
      if (options_.after_step) options_.after_step(state_.step);
      writer_.check();
      result_.signal = ranks_.several() != nullptr ? signal_of_ranks_ : InterruptGuard::signal();
      const bool due = options_.save_every > 0 && state_.step % options_.save_every == 0;
      const bool is_last = result_.signal != 0 || state_.step == options_.steps;
      if (!options_.run.empty() && (due || is_last)) save(is_last);
    }
    metrics_->close();
    if (options_.record != nullptr) options_.record->write();
    result_.steps = state_.updates;
    result_.skipped = state_.skipped;
    return result_;
  }

 private:
  /// Starts a new run, or resumes one from its newest checkpoint.
  void begin() {
    state_.settings = settings_of(model_, stream_, options_);
    state_.next_sequence = stream_.next_sequence();
    ranks_.require_same(with_calls(state_.settings), model_);
    const bool is_resumed = !options_.run.empty() && options_.start == RunStart::resume;
    // A new run is refused before its folder is made.
    const ExpertPlacement placement = model_.placement();
    std::int64_t slots = is_resumed ? 0 : ranks_.slots(options_.gradient_slots, 0, placement);
    if (!options_.run.empty() && ranks_.is_first())
      checkpoints_.emplace(options_.run, options_.start, options_.keep_checkpoints);
    if (is_resumed) {
      resume();
      note_other_placement(placement_in(state_.settings));
      slots = ranks_.slots(options_.gradient_slots, number_of_slots(state_.settings), placement);
    }
    model_.use_slots(slots / ranks_.size());
    part_ = ranks_.part(slots);
    if (slots > 1) state_.settings[slots_flag] = fmt::to_string(slots);
    state_.settings.erase(placement_flag);
    if (placement != ExpertPlacement::everywhere) state_.settings[placement_flag] = name_of(placement);
    if (model_.config().has_global_balance()) {
      ranks_.tell_of_balanced(number_of_balanced_processes(state_.settings));
      state_.settings[balanced_processes] = fmt::to_string(ranks_.size());
    }
  }

  void note_other_placement(ExpertPlacement begun_with) const {
    if (begun_with != model_.placement() && ranks_.is_first())
      notice(
          "note: the run had its experts --placement {} and continues with {}: gradients are added in another order, "
          "so results differ in their last digits from those of an uninterrupted run\n",
          name_of(begun_with), name_of(model_.placement()));
  }

  /// The settings, with those that no result depends on and that decide which calls the ranks make together.
  RunSettings with_calls(RunSettings settings) const {
    settings["--gradient-slots as given"] = fmt::to_string(options_.gradient_slots);
    settings["--save-steps"] = fmt::to_string(options_.save_every);
    settings["--eval-steps"] = fmt::to_string(options_.eval_every);
    settings["--gradient-checkpointing"] = fmt::to_string(options_.checkpointing == ActivationCheckpointing::on);
    settings["--resume"] = fmt::to_string(options_.start == RunStart::resume);
    return settings;
  }

  /// The model and the optimizer state as checkpoints have them.
  ModelTensors whole() {
    return tensors_of_ranks_ ? tensors_of_ranks_->all() : ModelTensors{model_.tensors(), model_.optimizer_state()};
  }

  void resume() {
    const std::string steps = state_.settings.at(steps_flag);
    const RunSettings asked_for = state_.settings;
    // Rank 0 decides which checkpoint is whole.
    const std::vector<TensorRef> state = whole().optimizer_state;
    if (checkpoints_) state_ = checkpoints_->load(model_, state, asked_for);
    const std::int64_t step = ranks_.of_first(state_.step);
    if (!checkpoints_) state_ = load_run_checkpoint(options_.run, step, model_, state, asked_for);
    beginning_.steps_done = state_.step;
    const auto before = number_of_steps(state_.settings);
    if (before && *before != options_.steps) follow_other_steps(*before);
    state_.settings[steps_flag] = steps;
    stream_.seek(state_.next_sequence);
    result_.steps_before = saved_step_ = state_.step;
    if (checkpoints_) result_.checkpoint = checkpoints_->folder_of(state_.step);
  }

  void follow_other_steps(std::int64_t steps_before) {
    TrainOptions before = options_;
    before.steps = steps_before;
    beginning_.other_steps = steps_before;
    beginning_.other_rate = schedule_of(before).at(state_.step);
    beginning_.rate = schedule_.at(state_.step + 1);
  }

  void take_step() {
    // Keyed by the step, so that a resumed run draws the same numbers as an uninterrupted one.
    model_.draw_by({.seed = stream_.options().seed, .step = state_.step});
    RoutingTally tally{.fixed_token_experts = fixed_token_experts(model_.config())};
    const MicroBatchLoss loss = observed_step(tally);
    const double norm = model_.gradient_norm();
    const bool finite =
        std::isfinite(loss.loss) && std::isfinite(loss.balance) && std::isfinite(loss.z) && std::isfinite(norm);
    const double rate = schedule_.at(++state_.step);
    if (finite) {
      model_.step(options_.optimizer, rate, ++state_.updates, moe::clip_factor(norm, options_.clip));
      state_.skipped_in_a_row = 0;
      // A checkpoint is good once a finite step was taken from its weights, which skipped steps do not change.
      state_.last_good_step = saved_step_;
    } else {
      model_.discard_step();
      ++state_.skipped;
      ++state_.skipped_in_a_row;
    }
    state_.next_sequence = stream_.next_sequence();
    tell(loss, norm, finite, loads_of(tally));
    if (state_.skipped_in_a_row >= non_finite_limit) give_up(loss, norm);
  }

  MicroBatchLoss observed_step(RoutingTally& tally) {
    const bool is_told = (!options_.run.empty() || options_.on_report) && (state_.step + 1) % options_.loads_every == 0;
    if (!is_told || !model_.config().moe) return accumulate_step(tally);
    const Observed observed(model_, [&](const moe::Observation& seen) { tally.add(seen, stream_.options().length); });
    return accumulate_step(tally);
  }

  /// Forward and backward over the step's micro-batches of this rank; returns the means of the losses of all.
  MicroBatchLoss accumulate_step(RoutingTally& tally) {
    const double share = 1.0 / static_cast<double>(options_.accumulation);
    const std::int64_t begin = stream_.next_sequence(), sequences = stream_.options().sequences;
    if (part_.first > 0) stream_.seek(begin + part_.first * sequences);
    StepRecord mine;
    for (std::int64_t slot = 0; slot < part_.slots; ++slot) {
      for (std::int64_t micro = 0; micro < part_.per_slot; ++micro) {
        stream_.next(batch_);
        mine.losses.push_back(accumulate_recorded(model_, batch_, share, options_));
      }
      model_.end_slot();
    }
    model_.reduce_gradient();
    const std::int64_t end = begin + options_.accumulation * sequences;
    if (stream_.next_sequence() != end) stream_.seek(end);
    mine.signal = InterruptGuard::signal();
    const StepRecord all = ranks_.exchange(mine, tally);
    signal_of_ranks_ = all.signal;
    MicroBatchLoss mean;
    for (const MicroBatchLoss& loss : all.losses) {
      mean.loss += share * loss.loss;
      mean.balance += share * loss.balance;
      mean.z += share * loss.z;
    }
    return mean;
  }

  /// The text of the languages that this rank evaluates. Spread experts need all ranks for every batch.
  LanguageFiles held_out_here() const {
    LanguageFiles files = options_.held_out;
    if (is_spread()) return files;
    int number = 0;
    for (auto& file : files)
      if (file && number++ % ranks_.size() != ranks_.rank()) file = nullptr;
    return files;
  }

  bool is_spread() const { return model_.placement() != ExpertPlacement::everywhere; }

  HeldOutLosses held_out_losses() {
    HeldOutLosses losses;
    if (options_.eval_every == 0 || state_.step % options_.eval_every != 0) return losses;
    const auto begin = std::chrono::steady_clock::now();
    const LanguageFiles files = held_out_here();
    if (std::any_of(files.begin(), files.end(), [](const auto& file) { return file != nullptr; })) {
      const Evaluation evaluation = evaluate(model_, files, options_.evaluation);
      for (const Language language : all_languages)
        if (const auto& score = evaluation[index_of(language)]) losses.emplace_back(language, score->loss);
    }
    if (!is_spread()) losses = ranks_.joined(losses);
    // The reported speed is that of training alone, without evaluations.
    evaluating_ += std::chrono::steady_clock::now() - begin;
    return losses;
  }

  void tell(const MicroBatchLoss& loss, double norm, bool finite, RoutingLoads loads) {
    const std::int64_t here = state_.step - result_.steps_before;
    result_.tokens += batch_.sequences * batch_.length * options_.accumulation;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    result_.seconds = elapsed.count() - evaluating_.count();
    result_.last_loss = loss.loss;
    const StepReport report{
        .step = state_.step,
        .total = options_.steps,
        .loss = loss.loss,
        .auxiliary = options_.balance_weight * loss.balance + options_.z_weight * loss.z,
        .rate = schedule_.at(state_.step),
        .gradient_norm = norm,
        .tokens_per_second = result_.tokens_per_second(),
        .memory_bytes = resident_bytes(),
        .seconds_left = elapsed.count() / static_cast<double>(here) * static_cast<double>(options_.steps - state_.step),
        .held_out = held_out_losses(),
        .loads = std::move(loads)};
    progress_.show(report);
    metrics_->add(report, !finite);
    if (options_.on_report) options_.on_report(report);
  }

  [[noreturn]] void give_up(const MicroBatchLoss& loss, double norm) {
    // The reason why the run ends is the loss, whatever becomes of the checkpoint.
    try {
      writer_.wait();
    } catch (const std::exception& error) {
      notice("warning: a checkpoint was not saved: {}\n", error.what());
    }
    const auto folder = checkpoints_ ? checkpoints_->folder_of(state_.last_good_step) : std::filesystem::path();
    throw NonFinite(fmt::format(
        "[train] the loss and its gradient must be finite, found {} in a row with values that are not, the last of "
        "them step {} (loss {}, balance loss {}, gradient norm {}); {} skipped in all; last good checkpoint: {}",
        counted(state_.skipped_in_a_row, "steps"), state_.step, loss.loss, loss.balance, norm, state_.skipped,
        std::filesystem::exists(folder) ? folder.string() : "none"));
  }

  /// Whether a checkpoint is due before the last step.
  bool saves_before_the_end() const {
    return options_.save_every > 0 && (state_.step / options_.save_every + 1) * options_.save_every < options_.steps;
  }
  /// Requests the memory for copies of the model; false, with a notice, if there is not enough. `free_before`: bytes
  /// that were free before begin_training().
  bool reserve_snapshots(std::optional<std::int64_t> free_before) {
    const ModelTensors tensors{model_.tensors(), model_.optimizer_state()};
    const auto needed = static_cast<std::int64_t>(tensors.bytes());
    // On the CPU the steps need the same memory, and the system counts as free what was requested but never written.
    const bool is_on_cpu = !tensors.tensors.front().memory.empty();
    const std::int64_t beside =
        is_on_cpu ? activation_bytes() + bytes_of(model_.gradients()) + bytes_of(tensors.optimizer_state) : 0;
    const auto free = is_on_cpu ? free_before : free_memory_bytes();
    std::string found;
    if (free && needed + beside > *free) {
      found = fmt::format("{}, found {} free",
                          beside > 0 ? fmt::format(" beside the training ({})", memory_text(beside)) : "",
                          memory_text(*free));
    } else {
      try {
        model_.reserve_snapshots();
        return true;
      } catch (const std::bad_alloc&) {
        found = ", found that the system refuses it";
      }
    }
    notice(
        "note: --async-checkpoint needs memory for a copy of the model and its optimizer state ({}){}; this run saves "
        "between its steps\n",
        memory_text(needed), found);
    return false;
  }
  static std::int64_t bytes_of(const std::vector<TensorRef>& tensors) {
    std::int64_t bytes = 0;
    for (const TensorRef& tensor : tensors) bytes += static_cast<std::int64_t>(tensor.bytes);
    return bytes;
  }
  std::int64_t activation_bytes() const {
    const MicroBatch batch{stream_.options().sequences, stream_.options().length, options_.checkpointing};
    return host_plan(model_.config(), {}, batch, options_.precision, model_.dtype()).activations;
  }

  void save(bool is_last) {
    saved_step_ = state_.step;
    const LongerWait wait(ranks_.several(), options_.waits);
    if (!checkpoints_) return tensors_of_ranks_->serve();
    if (tensors_of_ranks_)
      tensors_of_ranks_->while_others_serve([&] { write(is_last); });
    else
      write(is_last);
    result_.checkpoint = checkpoints_->folder_of(state_.step);
  }

  void write(bool is_last) {
    writer_.wait();
    // The lines of all steps in a checkpoint must be on disk before it: a power failure could lose them otherwise.
    metrics_->sync();
    // Nothing trains beside the last one.
    if (saves_beside_ && !is_last)
      writer_.start(
          [this, tensors = model_.snapshot(), state = state_] { checkpoints_->save(model_, tensors, state); });
    else
      checkpoints_->save(model_, whole(), state_);
  }

  LanguageModel& model_;
  BatchStream& stream_;
  const TrainOptions& options_;
  moe::CosineSchedule schedule_;
  TrainingRanks ranks_;
  std::optional<LongerWait> beginning_wait_;
  std::optional<TensorsOfRanks> tensors_of_ranks_;
  StepPart part_;
  int signal_of_ranks_ = 0;  ///< that a rank has received
  Progress progress_;
  std::optional<RunCheckpoints> checkpoints_;
  std::optional<Metrics> metrics_;
  TrainerState state_;
  RunBeginning beginning_;
  std::int64_t saved_step_ = 0;  ///< of the newest checkpoint
  TrainResult result_;
  TokenBatch batch_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::duration<double> evaluating_{0};
  bool saves_beside_ = false;
  // The last member, so that a save ends before what it reads is gone.
  BackgroundJob writer_;
};

}  // namespace

TrainResult train(LanguageModel& model, BatchStream& stream, const TrainOptions& options) {
  const InterruptGuard guard;
  return Training(model, stream, options).run();
}

}  // namespace multipl_moe
