#include <fmt/format.h>

#include <memory>
#include <optional>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/dry_run.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/run_training.hpp"
#include "multipl_moe/cli/shares.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/cli/training_options.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/routing_file.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/run_routing.hpp"

namespace multipl_moe {

namespace {

struct PostTrainFlags : TrainingFlags {
  std::string model, mix = "9:1", trainable = "auto";
  std::string record, replay;
  bool untie = false;
};

moe::TrainByName weights_of(const PostTrainFlags& flags, const ModelConfig& config) {
  return flags.trainable == "auto" ? post_training_weights(config) : moe::TrainByName();
}

ModelConfig config_of(const PostTrainFlags& flags) {
  ModelConfig config = load_config(flags.model);
  if (flags.untie) config.tie_word_embeddings = false;
  return flags.resume ? config_of_run(config, flags.output) : config;
}

void check_routing(const PostTrainFlags& flags, const ModelConfig& config) {
  if (!flags.record.empty()) require_recordable("train", config, flags.record);
  if (!flags.record.empty() && flags.resume)
    throw UsageError(
        "[train] --record-routing records a run from its beginning, found --resume with it: the record would lack the "
        "steps before; leave one of them out");
  if (!flags.replay.empty()) require_routed("train", "--replay-routing", config);
}

void post_train(const PostTrainFlags& flags, const CLI::App& command) {
  const ModelConfig config = config_of(flags);
  check_run("train", config, flags);
  check_routing(flags, config);
  const auto tokenizer = read_tokenizer(model_folder(flags.model));
  require_trainable(config, model_folder(flags.model) / "config.json");
  require_tokenizer_fits(flags.model, config, *tokenizer);
  const LanguageFiles files = open_text(flags.data, "train", *tokenizer, flags.model);
  BatchStream stream(files, mixed_shares(flags.mix, files), flags.batch_options(*tokenizer));
  note_idle_losses(flags, config);
  if (is_only_planned({config, weights_of(flags, config), stream}, flags)) return;
  // A run that goes on has its weights in its checkpoint, and needs to know only that it began with these.
  const auto model =
      flags.resume ? make_model(flags.model, flags.threads, config) : load_model(flags.model, flags.threads, config);
  TrainOptions options = flags.train_options(command, stream, *tokenizer);
  options.origin = fmt::format("XXH3 {:016x}", hash_of_weights(flags.model));
  options.trains = weights_of(flags, config);
  std::optional<RecordedRouting> record;
  std::optional<ReplayedRouting> replay;
  if (!flags.record.empty()) options.record = &record.emplace(flags.record);
  if (!flags.replay.empty()) options.replay = &replay.emplace(flags.replay, config);
  run_training(*model, stream, options);
}

}  // namespace

void add_train_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("train", "Post-trains a model on a mix of languages.");
  const auto flags = std::make_shared<PostTrainFlags>();
  add_training_options(command, *flags);
  add_dry_run_options(command, flags->dry);
  command.add_option("--model", flags->model, "model folder or run folder to start from")->required()->type_name("DIR");
  add_links_option(command);
  command.add_option("--mix", flags->mix, "LOW:HIGH, tokens of low- to high-resource languages, even within each")
      ->capture_default_str();
  command
      .add_option(
          "--trainable", flags->trainable,
          "auto: new experts and routers of a MultiPL-MoE, adapters of lora and mole, everything of any other; all")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "all"}));
  command
      .add_option("--replay-routing", flags->replay,
                  "file of --record-routing, of this command or of generate: the layers work on the experts that it "
                  "names for each sequence, weights and gradients come from the routers of today")
      ->type_name("FILE");
  command
      .add_option("--record-routing", flags->record,
                  "file for the experts that each layer chose for every token of the run, a record for each sequence")
      ->type_name("FILE")
      ->configurable(false);
  command.add_flag("--untie-embeddings", flags->untie,
                   "a model whose head is its embedding (tie_word_embeddings) gets a head of its own, which starts as "
                   "the embedding");
  command.callback([flags, &command] { post_train(*flags, command); });
}

}  // namespace multipl_moe
