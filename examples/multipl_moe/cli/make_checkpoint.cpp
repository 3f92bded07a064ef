#include <fmt/format.h>

#include <functional>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/tokenizer_fit.hpp"
#include "multipl_moe/train/random_tensors.hpp"

namespace multipl_moe {

namespace {

struct MakeFlags {
  SizeFlags sizes{.size = "tiny", .config = {}};
  std::string architecture, tokenizer, output;
  double deviation = 0.02;
  std::uint64_t seed = 0;
  StreamFlags stream{.dtype = "bfloat16"};
  int threads = 0;
};

ModelConfig config_of(const MakeFlags& flags, const Tokenizer& tokenizer) {
  ModelConfig config = flags.sizes.model(tokenizer);
  if (config.moe && !flags.architecture.empty() && flags.architecture != config.architecture())
    throw UsageError(fmt::format("[--arch] must be the architecture of --config-json, {}, or not be given, found {}",
                                 config.architecture(), flags.architecture));
  if (!config.moe && !flags.architecture.empty())
    config.moe = mixture_named(flags.architecture, config.intermediate_size);
  if (const auto misfit = misfit_of(tokenizer, config)) throw UsageError("[make-checkpoint] " + *misfit);
  if (const auto fault = fault_in(config)) throw UsageError("[make-checkpoint] " + *fault);
  return config;
}

}  // namespace

void add_make_checkpoint_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("make-checkpoint",
                                              "Writes a model of any size with random weights, in the same files as a "
                                              "trained one, to try the other commands with.");
  const auto flags = std::make_shared<MakeFlags>();
  add_size_options(command, flags->sizes);
  command
      .add_option("--arch", flags->architecture,
                  "architecture of the model: dense, or a mixture, of which all weights are random [that of "
                  "--config-json, or dense]")
      ->type_name("NAME");
  command.add_option("-o,--output", flags->output, "folder for the new model; must be new or empty")
      ->required()
      ->type_name("DIR");
  add_tokenizer_option(command, flags->tokenizer);
  command
      .add_option("--deviation", flags->deviation,
                  "standard deviation of the random weights; weights of norms are 1, biases 0")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e3));
  command.add_option("--seed", flags->seed, "random seed of the weights")->capture_default_str();
  add_stream_options(command, flags->stream);
  add_threads_option(command, flags->threads);
  command.callback([flags] {
    require_new_folder("make-checkpoint", flags->output);
    const auto tokenizer = tokenizer_of(flags->tokenizer);
    const ModelConfig sizes = config_of(*flags, *tokenizer);
    const RandomTensors drawn(sizes, flags->seed, flags->deviation, flags->threads);
    stream_model(flags->output, sizes, *tokenizer, flags->stream.options("make-checkpoint"), std::cref(drawn));
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
