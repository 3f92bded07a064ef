#include <array>
#include <functional>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/mixture_options.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/upcycled_tensors.hpp"

namespace multipl_moe {

namespace {

struct UpcycleFlags {
  std::string model, output;
  MixtureOptions mixture;
  StartOptions start;
  StreamFlags stream;
  int threads = 0;
};

/// Upcycles tensor by tensor: neither model is in memory as a whole.
void upcycle_files(const UpcycleFlags& flags) {
  const std::filesystem::path source = model_folder(flags.model);
  const StoredModel dense = StoredModel::open(source);
  const auto tokenizer = read_tokenizer(source);
  require_tokenizer_fits(flags.model, dense.config(), *tokenizer);
  const MoeConfig mixture = flags.mixture.mixture(dense.config().intermediate_size, *tokenizer);
  UpcycledTensors made(dense, mixture, flags.start.start(mixture), flags.threads);
  require_free_memory("upcycle", std::array{MemoryPart{"a layer", made.most_bytes(), true}}, "");
  if (has_constant_gates(made.config())) notice("note: {}\n", constant_gates_note);
  StreamOptions options = flags.stream.options("upcycle", flags.model);
  options.generation = read_generation_config(source, dense.config().vocab_size);
  stream_model(flags.output, made.config(), *tokenizer, options, std::ref(made));
}

}  // namespace

void add_upcycle_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "upcycle", "Turns a dense model into a mixture of experts, or adds adapters to it; both start from its weights.");
  const auto flags = std::make_shared<UpcycleFlags>();
  command
      .add_option("--model", flags->model,
                  "folder of a dense model, or of its training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command.add_option("-o,--output", flags->output, "folder for the new model; must be new or empty")
      ->required()
      ->type_name("DIR");
  flags->mixture.add_to(command);
  flags->start.add_to(command);
  add_stream_options(command, flags->stream);
  add_threads_option(command, flags->threads);
  command.callback([flags] {
    require_new_folder("upcycle", flags->output);
    upcycle_files(*flags);
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
