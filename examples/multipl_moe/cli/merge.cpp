#include <array>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

void add_merge_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("merge",
                                              "Adds the adapters of a LoRA model to its weights and writes a dense "
                                              "model with the same outputs. The LoRA model stays unchanged.");
  struct Flags {
    std::string model, output;
    int threads = 0;
  };
  const auto flags = std::make_shared<Flags>();
  command
      .add_option("--model", flags->model,
                  "folder of a LoRA model, or of its training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command.add_option("-o,--output", flags->output, "folder for the dense model; must be new or empty")
      ->required()
      ->type_name("DIR");
  add_threads_option(command, flags->threads);
  command.callback([flags] {
    require_new_folder("merge", flags->output);
    ModelConfig config = load_config(flags->model);
    std::array parts{weights_in_memory(config), MemoryPart{}};
    config.moe.reset();
    parts[1] = weights_in_memory(config);
    parts[1].name = "the dense model's weights";
    require_free_memory("merge", parts, "");
    const auto adapted = load_model(flags->model, flags->threads);
    save_model(*merged(*adapted), flags->output);
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
