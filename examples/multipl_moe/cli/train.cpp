#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

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

ModelConfig config_of(const PostTrainFlags& flags) {
  ModelConfig config = load_config(flags.model);
  if (flags.untie) config.tie_word_embeddings = false;
  return flags.resume ? config_of_run(config, flags.output) : config;
}

void check_routing(const PostTrainFlags& flags, const ModelConfig& config) {
  if (!flags.record.empty() && flags.processes() > 1)
    throw UsageError("[train] --record-routing is for a run of one process: each process sees its own sequences");
  if (!flags.record.empty()) require_recordable("train", config, flags.record);
  if (!flags.record.empty() && flags.resume)
    throw UsageError(
        "[train] --record-routing records a run from its beginning, found --resume with it: the record would lack the "
        "earlier steps; remove one of the two options");
  if (!flags.replay.empty()) require_routed("train", "--replay-routing", config);
}

void post_train(const PostTrainFlags& flags, const CLI::App& command) {
  const std::optional<Gpu> gpu = gpu_of("train", flags);
  const ModelConfig config = config_of(flags);
  check_run("train", config, flags);
  check_routing(flags, config);
  const moe::TrainByName trains = trainable_named(flags.trainable, config);
  const auto tokenizer = read_tokenizer(model_folder(flags.model));
  require_trainable(config, model_folder(flags.model) / "config.json");
  require_tokenizer_fits(flags.model, config, *tokenizer);
  const LanguageFiles files = open_text(flags.data, "train", *tokenizer, flags.model);
  BatchStream stream(files, mixed_shares(flags.mix, files), flags.batch_options(*tokenizer));
  note_unused_loss_weights(flags, config);
  if (is_only_planned({"train", config, trains, stream, gpu, *tokenizer}, flags)) return;
  // A resumed run has its weights in its checkpoint; the model in the folder only has to be the one that it began with.
  const Device device = device_named(flags.device);
  const ExpertSpread spread = flags.expert_spread();
  const auto model = flags.resume ? make_model(flags.model, flags.threads, config, flags.model_dtype(), device, spread)
                                  : load_model(flags.model, flags.threads, config, flags.model_dtype(), device, spread);
  TrainOptions options = flags.train_options(command, stream, *tokenizer);
  options.origin = fmt::format("XXH3 {:016x}", hash_of_weights(flags.model));
  options.trains = trains;
  std::optional<RecordedRouting> record;
  std::optional<ReplayedRouting> replay;
  if (!flags.record.empty()) options.record = &record.emplace(flags.record);
  if (!flags.replay.empty()) options.replay = &replay.emplace(flags.replay, config);
  run_training(*model, stream, options);
}

}  // namespace

void add_train_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("train", "Trains an existing model further (post-training) on a mix of languages.");
  const auto flags = std::make_shared<PostTrainFlags>();
  add_training_options(command, *flags);
  add_dry_run_options(command, flags->dry);
  command
      .add_option("--model", flags->model,
                  "folder of the model to start from, or of a training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command
      .add_option("--mix", flags->mix,
                  "LOW:HIGH, the ratio of tokens of low-resource (rust, go, ruby) to high-resource languages (python, "
                  "java, cpp); the languages of a group have equal shares")
      ->capture_default_str();
  command
      .add_option("--trainable", flags->trainable,
                  "weights that are trained: auto: new experts, routers and fusions of the multipl-moe architectures, "
                  "adapters of lora and mole, all weights of any other; all: all weights; ffn: the feed-forward "
                  "networks, or all experts and routers in their place; frozen-routers: those of auto without the "
                  "routers, which stay as upcycle drew them")
      ->capture_default_str()
      ->check(CLI::IsMember(std::vector<std::string>(trainable_names.begin(), trainable_names.end())));
  command
      .add_option("--replay-routing", flags->replay,
                  "file written by --record-routing of train or generate: for each sequence the layers use the experts "
                  "recorded in it, with the routing weights and gradients of the current routers")
      ->type_name("FILE");
  command
      .add_option(
          "--record-routing", flags->record,
          "write the experts that each layer selects for every token of the run to this file, one record per sequence")
      ->type_name("FILE")
      ->configurable(false);
  command.add_flag("--untie-embeddings", flags->untie,
                   "give a model with tied embeddings (tie_word_embeddings) a separate output head, which starts as a "
                   "copy of the embedding");
  command.callback([flags, &command] {
    choose_device("train", flags->device);
    post_train(*flags, command);
  });
}

}  // namespace multipl_moe
