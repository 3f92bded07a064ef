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
#include "multipl_moe/model/tokenizer_fit.hpp"

namespace multipl_moe {

namespace {

struct PretrainFlags : TrainingFlags {
  SizeFlags sizes{.size = "demo", .config = {}};
  std::string tokenizer;
  std::vector<std::string> languages;
  std::string mix;

  LanguageWeights shares(const LanguageFiles& files) const {
    return mix.empty() ? even_shares(languages, files) : mixed_shares(mix, files);
  }
};

void pretrain(const PretrainFlags& flags, const CLI::App& command) {
  const std::optional<Gpu> gpu = gpu_of("pretrain", flags);
  const auto tokenizer = tokenizer_of(flags.tokenizer);
  ModelConfig config = flags.sizes.model(*tokenizer);
  require_trainable(config, flags.sizes.config);
  if (flags.resume) config = config_of_run(config, flags.output);
  check_run("pretrain", config, flags);
  if (const auto misfit = misfit_of(*tokenizer, config))
    throw UsageError(fmt::format("[pretrain] {}; --tokenizer selects another tokenizer", *misfit));
  const LanguageFiles files = open_text(flags.data, "train", *tokenizer, "");
  BatchStream stream(files, flags.shares(files), flags.batch_options(*tokenizer));
  note_unused_loss_weights(flags, config);
  if (is_only_planned({"pretrain", config, moe::TrainByName(), stream, gpu, *tokenizer}, flags)) return;
  const auto model = make_language_model(config, flags.threads, flags.model_dtype(), device_named(flags.device),
                                         flags.expert_spread());
  model->use_tokenizer(tokenizer);
  if (!flags.resume) model->initialize(flags.seed, config.initializer_range);
  TrainOptions options = flags.train_options(command, stream, *tokenizer);
  options.origin = fmt::format("random by seed {}", flags.seed);
  run_training(*model, stream, options);
}

}  // namespace

void add_pretrain_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("pretrain", "Trains a model from random weights.");
  const auto flags = std::make_shared<PretrainFlags>();
  flags->learning_rate = 4e-3;
  add_training_options(command, *flags);
  add_dry_run_options(command, flags->dry);
  add_size_options(command, flags->sizes);
  add_tokenizer_option(command, flags->tokenizer);
  auto* const languages = command.add_option(
      "--languages", flags->languages,
      "languages to train on, with equal shares: python, java, cpp, rust, go, ruby, separated by commas "
      "[python,java,cpp, as far as --data has them]");
  languages->delimiter(',');
  command
      .add_option("--mix", flags->mix,
                  "LOW:HIGH, the ratio of tokens of low-resource (rust, go, ruby) to high-resource languages (python, "
                  "java, cpp), such as 1:99 for a base model that has read little of the former; the languages of a "
                  "group have equal shares [the equal shares of --languages]")
      ->excludes(languages);
  command.callback([flags, &command] {
    choose_device("pretrain", flags->device);
    pretrain(*flags, command);
  });
}

}  // namespace multipl_moe
