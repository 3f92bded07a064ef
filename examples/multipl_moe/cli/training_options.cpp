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
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

namespace {

std::vector<std::string> names_in(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }
/// The parser lets no other name through.
std::size_t place_in(std::span<const std::string_view> names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

/// Held-out files that hold a sequence; a notice names the others.
LanguageFiles scored_files(const TrainingFlags& flags, const Tokenizer& tokenizer) {
  LanguageFiles files = open_language_files(flags.data, flags.eval_split, tokenizer.hash());
  bool any = false;
  for (const Language language : all_languages) {
    auto& file = files[index_of(language)];
    if (!file) continue;
    // Every document ends in a token of its own.
    const std::int64_t tokens = file->token_count() + file->document_count();
    if (tokens <= flags.sequence_length) {
      notice("note: the {} text of {} holds no sequence of {}, and --eval-steps leaves it out\n", flags.eval_split,
             title_of(language), counted(flags.sequence_length, "tokens"));
      file = nullptr;
    }
    any = any || file;
  }
  if (!any)
    throw UsageError(
        fmt::format("[train] --eval-steps needs {} text of --sequence-length {} and one token more, found "
                    "none; a smaller --sequence-length or another --eval-split may have it",
                    flags.eval_split, flags.sequence_length));
  return files;
}

void say_how_it_goes_on(const RunBeginning& beginning, std::int64_t steps) {
  if (beginning.steps_done == 0) return;
  const bool is_finished = beginning.steps_done == steps;
  notice("{} step {} of {}{}\n", is_finished ? "nothing is left to do after" : "resuming after", beginning.steps_done,
         steps, is_finished ? "; a larger --steps with --resume goes on" : "");
  if (beginning.other_steps && !is_finished)
    notice(
        "note: the run was to have {}; from step {} on its learning rate follows the schedule of {}: {:.3g} "
        "after {:.3g}\n",
        counted(*beginning.other_steps, "steps"), beginning.steps_done + 1, steps, beginning.rate,
        beginning.other_rate);
}

}  // namespace

void add_training_options(CLI::App& command, TrainingFlags& f) {
  command.add_option("--data", f.data, "folder of token files, as prepare writes it")->required()->type_name("DIR");
  command.add_option("-o,--output", f.output, "run folder for checkpoints, metrics.jsonl, config.toml, env.json")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--steps", f.steps,
                  "optimizer steps; with --resume another number, at least those done, extends the run")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--batch-size", f.batch_size, "sequences in a micro-batch")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--sequence-length", f.sequence_length, "tokens in a sequence")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--gradient-accumulation-steps", f.accumulation, "micro-batches in a step")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--learning-rate", f.learning_rate, "peak of the cosine schedule")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--final-rate", f.final_rate, "end of the schedule, as a share of the peak")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--warmup-ratio", f.warm_up, "share of the steps that the rate rises over")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--weight-decay", f.weight_decay, "AdamW's decoupled decay; none on vectors")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--max-grad-norm", f.clip, "limit of the gradient's global norm")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--balance-weight", f.balance_weight, "alpha of the balance loss")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--z-loss-weight", f.z_weight, "of the router z-loss")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option(
          "--master-weights", f.master_weights,
          "what steps add up in; the model then computes with float32, or with the nearest bfloat16 of a master "
          "kept beside it (split), or with bfloat16 rounded by chance and no master")
      ->capture_default_str()
      ->check(CLI::IsMember(names_in(master_weight_names)));
  command
      .add_option("--moments", f.moments,
                  "in which AdamW keeps its moments; bfloat16: half the memory, rounded by chance")
      ->capture_default_str()
      ->check(CLI::IsMember(names_in(moment_names)));
  command.add_flag("--gradient-checkpointing", f.recompute,
                   "keep each layer's input only and compute the rest again: less memory, more time, the same numbers");
  command.add_option("--seed", f.seed, "of initial weights and the order of data")->capture_default_str();
  command.add_option("--log-every", f.log_every, "steps between progress lines when stderr is no terminal")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--save-steps", f.save_steps, "steps between checkpoints; 0: one at the end")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--keep-checkpoints", f.keep_checkpoints, "newest checkpoints that stay; older ones are removed")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--eval-steps", f.eval_steps,
                  "steps between losses on held-out text, by language in metrics.jsonl; 0: never. Changes no bit of "
                  "the training")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--eval-sequences", f.eval_sequences, "of held-out text a language, the first ones; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--eval-split", f.eval_split, "held-out text: dev to choose settings by, or test")
      ->capture_default_str()
      ->check(CLI::IsMember({"dev", "test"}));
  command
      .add_flag("--resume", f.resume,
                "go on with the run in --output from its newest whole checkpoint, to the bits of a run in one piece")
      ->configurable(false);
  add_threads_option(command, f.threads);
  command.add_flag("-q,--quiet", f.quiet, "no progress");
}

void check_run(const std::string& command, const ModelConfig& model, const TrainingFlags& flags) {
  if (!flags.resume)
    require_positions(command, model, flags.sequence_length);
  else if (flags.sequence_length > model.max_position_embeddings)
    notice("note: this run began with a --sequence-length of {}, above the model's max_position_embeddings, {}\n",
           flags.sequence_length, model.max_position_embeddings);
  if (has_constant_gates(model)) notice("note: {}\n", constant_gates_note);
}

AdamWPrecision TrainingFlags::precision() const {
  return {static_cast<moe::MasterWeights>(place_in(master_weight_names, master_weights)),
          static_cast<AdamWPrecision::Moments>(place_in(moment_names, moments))};
}

BatchOptions TrainingFlags::batch_options(const Tokenizer& tokenizer) const {
  return {.sequences = batch_size, .length = sequence_length, .seed = seed, .end_of_text = tokenizer.end_of_text()};
}

TrainOptions TrainingFlags::train_options(const CLI::App& command, const BatchStream& stream,
                                          const Tokenizer& tokenizer) const {
  TrainOptions options;
  options.steps = steps;
  options.accumulation = accumulation;
  options.learning_rate = learning_rate;
  options.final_rate = final_rate;
  options.warm_up = warm_up;
  options.clip = clip;
  options.balance_weight = balance_weight;
  options.z_weight = z_weight;
  options.checkpointing = recompute ? ActivationCheckpointing::on : ActivationCheckpointing::off;
  options.optimizer.decay = weight_decay;
  options.precision = precision();
  options.log_every = quiet ? 0 : log_every;
  options.save_every = save_steps;
  options.keep_checkpoints = keep_checkpoints;
  options.eval_every = eval_steps;
  if (eval_steps > 0) options.held_out = scored_files(*this, tokenizer);
  options.evaluation = {
      .sequences = batch_size, .length = sequence_length, .max_bytes = 0, .max_sequences = eval_sequences};
  options.run = output;
  options.start = resume ? RunStart::resume : RunStart::fresh;
  options.before_run = [this, &command, &stream](const RunBeginning& beginning) {
    const std::filesystem::path run = output;
    write_file_atomically(run / "config.toml", settings_text(command));
    record_environment(run, stream, threads, beginning.steps_done);
    if (!quiet) say_how_it_goes_on(beginning, steps);
  };
  return options;
}

void note_idle_losses(const TrainingFlags& flags, const ModelConfig& config) {
  if (config.moe && !config.moe->is_adapted()) return;
  const TrainingFlags usual;
  for (const auto& [flag, given, otherwise] :
       {std::tuple("--balance-weight", flags.balance_weight, usual.balance_weight),
        std::tuple("--z-loss-weight", flags.z_weight, usual.z_weight)})
    if (given != otherwise)
      notice("note: {} {} decides nothing: a model of architecture {} has no routers\n", flag, given,
             config.architecture());
}

}  // namespace multipl_moe
