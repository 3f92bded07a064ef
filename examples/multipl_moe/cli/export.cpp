#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/export.hpp"

namespace multipl_moe {

void add_export_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("export",
                              "Writes a dense, qwen1.5-moe, mixtral or gshard model in the format of Hugging Face "
                              "transformers: as a Qwen2, Qwen2-MoE, Mixtral, Qwen3 or Qwen3-MoE.");
  struct Flags {
    std::string model, output;
    StreamFlags stream;
  };
  const auto flags = std::make_shared<Flags>();
  command
      .add_option("--model", flags->model, "folder of a model, or of a training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command.add_option("-o,--output", flags->output, "folder for the exported model; must be new or empty")
      ->required()
      ->type_name("DIR");
  add_stream_options(command, flags->stream);
  command.callback([flags] {
    require_new_folder("export", flags->output);
    const SaveOptions options{.torch_dtype = flags->stream.dtype_of(flags->model),
                              .max_shard_bytes = flags->stream.max_shard_bytes};
    export_model(flags->model, flags->output, options);
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
