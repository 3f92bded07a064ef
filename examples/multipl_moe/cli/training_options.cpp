#include "multipl_moe/cli/training_options.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include "multipl_moe/cli/config_file.hpp"
#include "multipl_moe/cli/environment.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/placement_option.hpp"
#include "multipl_moe/cli/ranks_dry_run.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

namespace {

std::vector<std::string> names_in(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }
/// The index of `name`, which is one of `names`: the parser accepts no other.
std::size_t place_in(std::span<const std::string_view> names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

void report_resume(const RunBeginning& beginning, std::int64_t steps) {
  if (beginning.steps_done == 0) return;
  const bool is_finished = beginning.steps_done == steps;
  notice("{} step {} of {}{}\n", is_finished ? "nothing is left to do after" : "resuming after", beginning.steps_done,
         steps, is_finished ? "; a larger --steps with --resume continues the run" : "");
  if (beginning.other_steps && !is_finished)
    notice(
        "note: the run was planned with {}; from step {} on its learning rate follows the schedule of {} steps: {:.3g} "
        "after {:.3g}\n",
        counted(*beginning.other_steps, "steps"), beginning.steps_done + 1, steps, beginning.rate,
        beginning.other_rate);
}

}  // namespace

void add_training_options(CLI::App& command, TrainingFlags& f) {
  command.add_option("--data", f.data, "folder of token files, as written by prepare")->required()->type_name("DIR");
  command.add_option("-o,--output", f.output, "run folder, for checkpoints, metrics.jsonl, config.toml and env.json")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--steps", f.steps,
                  "optimizer steps of the whole run; --resume accepts another number, at least that of the steps done")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--batch-size", f.batch_size, "sequences per micro-batch")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--sequence-length", f.sequence_length, "tokens per sequence")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--gradient-accumulation-steps", f.accumulation,
                  "micro-batches per optimizer step, of all processes together")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--gradient-slots", f.gradient_slots,
                  "equal parts of a step's micro-batches whose gradients are summed apart and then added in a fixed "
                  "order: with the same number, 1, 2, 4 and more processes give bitwise identical results [that of a "
                  "resumed run, or one for each process]")
      ->type_name("N")
      ->check(above_zero());
  add_placement_option(command, f.placement, "train", "that of a resumed run, or everywhere");
  add_comm_timeout_option(command, f.comm_timeout);
  command.add_option("--learning-rate", f.learning_rate, "peak learning rate of the cosine schedule")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--final-rate", f.final_rate, "learning rate at the end of the schedule, as a fraction of the peak")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--warmup-ratio", f.warm_up, "fraction of the steps in which the learning rate rises to the peak")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--weight-decay", f.weight_decay,
                  "decoupled weight decay of AdamW; not applied to vectors such as norms and biases")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--max-grad-norm", f.clip,
                  "limit of the gradient's global norm; a larger gradient is scaled down to it")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--balance-weight", f.balance_weight, "weight alpha of the balance loss")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--z-loss-weight", f.z_weight, "weight of the router z-loss")
      ->capture_default_str()
      ->check(not_negative());
  add_device_option(command, f.device);
  add_dtype_option(command, f.dtype,
                   "type of the weights and activations that the model computes with: float32; bfloat16: activations "
                   "take about half the memory, weights and optimizer state together less only with --master-weights "
                   "bfloat16; sums, routing, losses and gradients of weights are in float32");
  command
      .add_option(
          "--master-weights", f.master_weights,
          "precision in which AdamW updates the weights: float32; split: float32 in two halves, the model computes "
          "with the nearest bfloat16; bfloat16: no copy of higher precision, stochastic rounding [float32; with "
          "--dtype bfloat16, which needs split or bfloat16: split]")
      ->check(CLI::IsMember(names_in(master_weight_names)));
  command
      .add_option("--moments", f.moments,
                  "precision of AdamW's moments: float32; bfloat16: half the memory, with stochastic rounding")
      ->capture_default_str()
      ->check(CLI::IsMember(names_in(moment_names)));
  command
      .add_option("--optimizer-state", f.optimizer_state,
                  "where AdamW's state is with --device cuda: device: in the memory of the GPU; host: in pinned memory "
                  "of the machine, through the GPU in pieces in every step; bitwise identical results [device]")
      ->check(CLI::IsMember(names_in(state_place_names)));
  command.add_flag("--gradient-checkpointing", f.recompute,
                   "activation checkpointing: keep only each layer's input and recompute the rest in the backward "
                   "pass; less memory, more time, bitwise identical results");
  command.add_option("--seed", f.seed, "random seed of initial weights and data order")->capture_default_str();
  command.add_option("--log-every", f.log_every, "steps between progress lines when stderr is not a terminal")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--save-steps", f.save_steps, "steps between checkpoints; 0: only one at the end")
      ->capture_default_str()
      ->check(not_negative());
  command.add_flag(
      "--async-checkpoint", f.async_checkpoint,
      "write checkpoints from a copy in memory while the training continues; the copy takes as much memory "
      "as a checkpoint takes on the disk; the files are the same");
  command
      .add_option("--keep-checkpoints", f.keep_checkpoints,
                  "number of newest checkpoints that are kept; older ones are removed")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--eval-steps", f.eval_steps,
                  "steps between evaluations on held-out text, whose losses by language go to metrics.jsonl; 0: never; "
                  "the training is not changed")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--eval-sequences", f.eval_sequences,
                  "maximum number of held-out sequences per language for --eval-steps, from the first one on; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--eval-split", f.eval_split, "held-out split for --eval-steps: dev to choose settings by, or test")
      ->capture_default_str()
      ->check(CLI::IsMember({"dev", "test"}));
  command
      .add_flag("--resume", f.resume,
                "continue the run in --output from its newest undamaged checkpoint; the result is bitwise identical to "
                "an uninterrupted run")
      ->configurable(false);
  add_threads_option(command, f.threads);
  command.add_flag("-q,--quiet", f.quiet, "do not print progress");
}

std::optional<Gpu> gpu_of(const std::string& command, const TrainingFlags& flags) {
  static_cast<void>(flags.model_dtype());
  const Device device = device_named(flags.device);
  if (device.kind == Device::Kind::cpu) {
    if (flags.dry.device_memory > 0)
      throw UsageError(
          fmt::format("[{}] --device-memory is the memory of a GPU that --dry-run plans for and needs --device cuda, "
                      "found --device cpu",
                      command));
    if (!flags.optimizer_state.empty())
      throw UsageError(
          fmt::format("[{}] --optimizer-state {} is about the memory beside a GPU and needs --device cuda, found "
                      "--device cpu: on the CPU the optimizer's state is in the machine's memory anyway",
                      command, flags.optimizer_state));
    return std::nullopt;
  }
  if (flags.master_weights == name_of(moe::MasterWeights::float32))
    throw UsageError(
        fmt::format("[{}] --master-weights must be split or bfloat16 with --device {}, found float32: weights on a GPU "
                    "are bfloat16, and split keeps float32 weights in two halves",
                    command, flags.device));
  if (flags.dry.device_memory > 0) {
    Gpu elsewhere;
    elsewhere.index = device.index;
    elsewhere.memory_bytes = static_cast<std::int64_t>(flags.dry.device_memory);
    return elsewhere;
  }
  try {
    return require_device(flags.device);
  } catch (const Failure& failure) {
    if (!flags.dry.on) throw;
    // A list of GPUs ends without a full stop.
    const std::string reason = failure.what();
    throw Failure(fmt::format("{}{}--device-memory, such as 139GiB, plans for a GPU elsewhere", reason,
                              reason.find('\n') == std::string::npos ? "; " : "\n"));
  }
}

void check_run(const std::string& command, const ModelConfig& model, const TrainingFlags& flags) {
  check_ranks(command, flags.dry);
  check_placement(command, model, flags.placement, flags.dry.ranks > 1 || launched_ranks());
  if (flags.async_checkpoint && flags.processes() > 1)
    throw UsageError(fmt::format("[{}] --async-checkpoint is for a run of one process, found {}", command,
                                 counted(flags.processes(), "processes")));
  require_master_weights(flags.model_dtype(), flags.precision().master);
  if (flags.async_checkpoint && (flags.save_steps == 0 || flags.save_steps >= flags.steps))
    throw UsageError(
        fmt::format("[{}] --async-checkpoint writes a checkpoint while the training continues and needs --save-steps "
                    "above 0 and below --steps, found {} of {} steps: the only checkpoint is at the end",
                    command, flags.save_steps, flags.steps));
  if (!flags.resume)
    require_positions(command, model, flags.sequence_length);
  else if (flags.sequence_length > model.max_position_embeddings)
    notice("note: this run began with a --sequence-length of {}, above the model's max_position_embeddings, {}\n",
           flags.sequence_length, model.max_position_embeddings);
  if (has_constant_gates(model)) notice("note: {}\n", constant_gates_note);
}

int TrainingFlags::processes() const {
  if (dry.ranks > 0) return dry.ranks;
  const auto launched = launched_ranks();
  return launched ? launched->size() : 1;
}

LanguageFiles TrainingFlags::held_out(const Tokenizer& tokenizer) const {
  if (eval_steps == 0) return {};
  LanguageFiles files = open_language_files(data, eval_split, tokenizer.hash());
  bool any = false;
  for (const Language language : all_languages) {
    auto& file = files[index_of(language)];
    if (!file) continue;
    // Every document ends in an additional token.
    const std::int64_t tokens = file->token_count() + file->document_count();
    if (tokens <= sequence_length) {
      notice("note: the {} text of {} is too short for a sequence of {}, and --eval-steps skips it\n", eval_split,
             title_of(language), counted(sequence_length, "tokens"));
      file = nullptr;
    }
    any = any || file;
  }
  if (!any)
    throw UsageError(
        fmt::format("[train] --eval-steps needs {} text of at least one token more than --sequence-length {}, found "
                    "none; use a smaller --sequence-length or another --eval-split",
                    eval_split, sequence_length));
  return files;
}

AdamWPrecision TrainingFlags::precision() const {
  const moe::MasterWeights usual =
      model_dtype() == ModelDtype::bfloat16 ? moe::MasterWeights::split : moe::MasterWeights::float32;
  return {
      master_weights.empty() ? usual : static_cast<moe::MasterWeights>(place_in(master_weight_names, master_weights)),
      static_cast<AdamWPrecision::Moments>(place_in(moment_names, moments))};
}

StatePlace TrainingFlags::state_place() const {
  return optimizer_state.empty() ? StatePlace::device
                                 : static_cast<StatePlace>(place_in(state_place_names, optimizer_state));
}

ExpertPlacement TrainingFlags::expert_placement() const {
  if (!placement.empty()) return placement_named(placement);
  return resume ? placement_of_run(output) : ExpertPlacement::everywhere;
}

ExpertSpread TrainingFlags::expert_spread() const {
  require_same_placement(expert_placement());
  const auto ranks = launched_ranks_on(device_named(device));
  return ranks ? ExpertSpread{expert_placement(), ranks} : ExpertSpread();
}

BatchOptions TrainingFlags::batch_options(const Tokenizer& tokenizer) const {
  return {.sequences = batch_size, .length = sequence_length, .seed = seed, .end_of_text = tokenizer.end_of_text()};
}

TrainOptions TrainingFlags::train_options(const CLI::App& command, const BatchStream& stream,
                                          const Tokenizer& tokenizer) const {
  TrainOptions options;
  options.steps = steps;
  options.accumulation = accumulation;
  options.gradient_slots = gradient_slots;
  options.ranks = launched_ranks_on(device_named(device));
  options.waits = waits_of(comm_timeout);
  options.learning_rate = learning_rate;
  options.final_rate = final_rate;
  options.warm_up = warm_up;
  options.clip = clip;
  options.balance_weight = balance_weight;
  options.z_weight = z_weight;
  options.checkpointing = recompute ? ActivationCheckpointing::on : ActivationCheckpointing::off;
  options.optimizer.decay = weight_decay;
  options.precision = precision();
  options.state_place = state_place();
  options.log_every = quiet ? 0 : log_every;
  // To see which experts have worked, the host waits for a GPU several times a layer.
  constexpr std::int64_t on_a_gpu = 10;
  options.loads_every = device_named(device).kind == Device::Kind::cuda ? on_a_gpu : 1;
  options.save_every = save_steps;
  options.keep_checkpoints = keep_checkpoints;
  options.async_checkpoint = async_checkpoint;
  options.eval_every = eval_steps;
  options.held_out = held_out(tokenizer);
  options.evaluation = {
      .sequences = batch_size, .length = sequence_length, .max_bytes = 0, .max_sequences = eval_sequences};
  options.run = output;
  options.start = resume ? RunStart::resume : RunStart::fresh;
  options.before_run = [this, &command, &stream](const RunBeginning& beginning) {
    const std::filesystem::path run = output;
    write_file_atomically(run / "config.toml", settings_text(command));
    record_environment(run, stream, threads, hardware_of(device), beginning.steps_done);
    if (!quiet) report_resume(beginning, steps);
  };
  return options;
}

void note_unused_loss_weights(const TrainingFlags& flags, const ModelConfig& config) {
  if (config.moe && !config.moe->is_adapted()) return;
  const TrainingFlags usual;
  for (const auto& [flag, given, otherwise] :
       {std::tuple("--balance-weight", flags.balance_weight, usual.balance_weight),
        std::tuple("--z-loss-weight", flags.z_weight, usual.z_weight)})
    if (given != otherwise)
      notice("note: {} {} has no effect: a model of architecture {} has no routers\n", flag, given,
             config.architecture());
}

}  // namespace multipl_moe
