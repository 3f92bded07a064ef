#include "multipl_moe/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include "moe/backend/cpu/parallel.hpp"
#include "multipl_moe/cli/config_file.hpp"
#include "multipl_moe/cli/environment.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

template <class Holds>
CLI::Validator number_that(const Holds& holds, const std::string& rule) {
  return CLI::Validator(
      [holds, rule](std::string& text) {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && holds(value);
        return good ? std::string() : fmt::format("must be {}, found {}", rule, escaped(text));
      },
      rule);
}

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

}  // namespace

CLI::Validator above_zero() {
  return number_that([](double value) { return value > 0 && std::isfinite(value); }, "above 0");
}
CLI::Validator not_negative() {
  return number_that([](double value) { return value >= 0 && std::isfinite(value); }, "0 or more");
}

void add_threads_option(CLI::App& command, int& threads) {
  threads = moe::cpu::available_threads();
  command.add_option("--threads", threads, "threads of computation; results do not depend on it")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
}

void add_stream_options(CLI::App& command, StreamFlags& flags) {
  auto* dtype = command.add_option("--dtype", flags.dtype,
                                   fmt::format("of the weights in the file: float32, float16, bfloat16{}",
                                               flags.dtype.empty() ? " [as the model's are stored]" : ""));
  dtype->check(CLI::IsMember({"float32", "float16", "bfloat16"}));
  if (!flags.dtype.empty()) dtype->capture_default_str();
  command.add_option("--max-shard-size", flags.max_shard_bytes, "of a weights file, such as 5GB or 500MB")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(true))
      ->check(above_zero());
  command.add_flag("-q,--quiet", flags.quiet, "no progress");
}

std::string StreamFlags::dtype_of(const std::string& model) const {
  return dtype.empty() ? stored_dtype(model) : dtype;
}

StreamOptions StreamFlags::options(const std::string& command, const std::string& model) const {
  return {std::string(dtype_named(dtype_of(model))), max_shard_bytes, quiet ? "" : command, {}};
}

void add_size_options(CLI::App& command, SizeFlags& flags) {
  auto* config =
      command.add_option("--config-json", flags.config, "sizes of the model, a config.json in Hugging Face's names")
          ->type_name("FILE");
  command
      .add_option("--size", flags.size, "tiny, demo, qwen1.5-1.8b; with as many tokens as --tokenizer has, at least")
      ->type_name("NAME")
      ->capture_default_str()
      ->excludes(config);
}

ModelConfig SizeFlags::model(const Tokenizer& tokenizer) const {
  if (!config.empty()) return read_config(config);
  ModelConfig named = size_named(size);
  named.vocab_size = std::max(named.vocab_size, tokenizer.vocab_size());
  return named;
}

void add_links_option(CLI::App& command) {
  command.add_flag_callback(
      "--allow-links", [] { allow_links(); },
      "follow links out of the folder of a model or tokenizer, such as weights on another disk");
}

void require_positions(const std::string& command, const ModelConfig& model, std::int64_t length) {
  if (length > model.max_position_embeddings)
    throw UsageError(
        fmt::format("[{}] --sequence-length must be at most the model's max_position_embeddings, {}, found "
                    "{}",
                    command, model.max_position_embeddings, length));
}

void add_tokenizer_option(CLI::App& command, std::string& folder) {
  add_links_option(command);
  command
      .add_option("--tokenizer", folder,
                  "folder with tokenizer.json, or vocab.json and merges.txt, such as a model's [bytes]")
      ->type_name("DIR");
}

std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& folder, std::string_view flag) {
  if (folder.empty()) return byte_tokenizer();
  if (std::error_code failed; !std::filesystem::is_directory(folder, failed))
    throw BadFile(folder, fmt::format("{} must name a folder, found {}", flag,
                                      std::filesystem::exists(folder, failed) ? "a file" : "nothing there"));
  const std::filesystem::path model = model_folder(folder);
  auto tokenizer = read_tokenizer(model);
  // A model of bytes has no tokenizer's files; any other folder without them is a wrong one.
  if (tokenizer == byte_tokenizer() && !std::filesystem::exists(model / "config.json"))
    throw BadFile(model, "must hold tokenizer.json, vocab.json and merges.txt, or a model's config.json, found none");
  return tokenizer;
}

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

void add_split_options(CLI::App& command, HeldOut& held_out) {
  command.add_option("--dev-fraction", held_out.dev, "of the documents, held out to choose settings")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--test-fraction", held_out.test, "of the documents, held out to report")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--near-duplicates", held_out.near_duplicates,
                  "of texts at least so similar one is kept: the Jaccard similarity of their sets of five words in a "
                  "row, found by MinHash; 0.5 to 1, 0 keeps all")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
}

void add_held_out_options(CLI::App& command, HeldOutFlags& flags, std::int64_t& sequences, std::int64_t& length) {
  command.add_option("--model", flags.model, "model folder or run folder")->required()->type_name("DIR");
  add_links_option(command);
  command.add_option("--data", flags.data, "folder of token files, as prepare writes it")->required()->type_name("DIR");
  command.add_option("--split", flags.split, "held-out text: dev to choose settings by, test to report")
      ->capture_default_str()
      ->check(CLI::IsMember({"dev", "test"}));
  command.add_option("--batch-size", sequences, "sequences in a batch")->capture_default_str()->check(above_zero());
  command.add_option("--sequence-length", length, "tokens in a sequence")->capture_default_str()->check(above_zero());
  add_threads_option(command, flags.threads);
}

LanguageFiles open_held_out(const HeldOutFlags& flags) {
  const auto tokenizer = read_tokenizer(model_folder(flags.model));
  require_tokenizer_fits(flags.model, load_config(flags.model), *tokenizer);
  return open_text(flags.data, flags.split, *tokenizer, flags.model);
}

std::int64_t longest_text(const LanguageFiles& files, std::int64_t max_bytes) {
  std::int64_t longest = 0;
  for (const auto& file : files)
    if (file) longest = std::max(longest, file->token_count());
  return max_bytes > 0 ? std::min(longest, max_bytes) : longest;
}

void require_memory(const std::string& command, const HeldOutFlags& flags, const ScoringSize& size) {
  require_free_memory(command, scoring_plan(load_config(flags.model), size),
                      "a smaller --batch-size or --sequence-length needs less");
}

namespace {

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
  options.keep = recompute ? Keep::inputs : Keep::everything;
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

void require_new_folder(const std::string& command, const std::string& folder) {
  if (std::filesystem::exists(folder) && !std::filesystem::is_empty(folder))
    throw UsageError("[" + command + "] --output must be a new or an empty folder, found '" + escaped(folder) + "'");
}

std::pair<double, double> parse_mix(const std::string& text) {
  const auto number = [&](std::string_view part) {
    double value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || !(value >= 0) || !std::isfinite(value)) value = -1;
    return value;
  };
  const std::size_t colon = text.find(':');
  const std::string_view whole = text;
  const double low = number(whole.substr(0, colon));
  const double high = colon == std::string::npos ? -1 : number(whole.substr(colon + 1));
  if (low < 0 || high < 0 || low + high == 0)
    throw UsageError("[--mix] must read LOW:HIGH with two numbers that are not both 0, such as 9:1, found '" +
                     escaped(text) + "'");
  return {low, high};
}

std::array<bool, language_count> present_in(const LanguageFiles& files) {
  std::array<bool, language_count> present{};
  for (std::size_t i = 0; i < files.size(); ++i) present[i] = files[i] != nullptr;
  return present;
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

TrainResult run_training(LanguageModel& model, BatchStream& stream, const TrainOptions& options) {
  const TrainResult result = train(model, stream, options);
  const std::string saved = result.checkpoint.empty() ? "nothing was saved" : "saved " + result.checkpoint.string();
  if (result.signal != 0)
    throw Interrupted(result.signal,
                      fmt::format("{} taken, {} skipped, {}", counted(result.steps, "steps"), result.skipped, saved));
  if (options.log_every > 0) {
    notice("{}{} ({} skipped), {} in {}, {} tok/s; {}\n", options.label, counted(result.steps, "steps"), result.skipped,
           counted(result.tokens, "tokens"), short_duration(result.seconds), short_count(result.tokens_per_second()),
           saved);
    for (const Language language : all_languages)
      if (stream.tokens_seen(language) > 0)
        notice("{}  {:<7} {:>9} tokens, {:.2f} epochs\n", options.label, title_of(language),
               stream.tokens_seen(language), stream.epochs_seen(language));
  }
  return result;
}

}  // namespace multipl_moe
