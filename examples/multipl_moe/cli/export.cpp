#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/export.hpp"

namespace multipl_moe {

void add_export_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "export",
      "Writes a dense, qwen1.5-moe, mixtral or gshard model as Hugging Face transformers loads it: Qwen2, Qwen2-MoE or "
      "Mixtral.");
  struct Flags {
    std::string model, output, dtype = "float32";
    std::uint64_t max_shard_bytes = default_shard_bytes;
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("--model", flags->model, "model folder or run folder")->required()->type_name("DIR");
  command.add_option("-o,--output", flags->output, "folder for the exported model")->required()->type_name("DIR");
  command.add_option("--dtype", flags->dtype, "float32, bfloat16 or float16")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}));
  command
      .add_option("--max-shard-size", flags->max_shard_bytes, "bytes of tensors in a file, such as 5000000000 or 2GB")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(true))
      ->check(above_zero());
  command.callback([flags] {
    require_new_folder("export", flags->output);
    export_model(flags->model, flags->output,
                 {.torch_dtype = flags->dtype, .max_shard_bytes = flags->max_shard_bytes, .generation = {}});
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
