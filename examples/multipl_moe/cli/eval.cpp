#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

void add_eval_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("eval", "Held-out loss, bits per byte and next-token accuracy by language.");
  struct Flags {
    std::string model, data, split = "test";
    EvaluateOptions options;
    int threads = 0;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("--model", flags->model, "model folder or run folder")->required()->type_name("DIR");
  command.add_option("--data", flags->data, "folder of token files, as prepare writes it")
      ->required()
      ->type_name("DIR");
  command.add_option("--split", flags->split, "dev to choose settings by, test to report")
      ->capture_default_str()
      ->check(CLI::IsMember({"dev", "test"}));
  command.add_option("--batch-size", flags->options.sequences, "sequences in a batch")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--sequence-length", flags->options.length, "tokens in a sequence")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--max-bytes", flags->options.max_bytes, "of text a language; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  add_threads_option(command, flags->threads);
  command.add_flag("--json", flags->json, "as JSON");
  command.callback([flags] {
    const auto model = load_model(flags->model, flags->threads);
    const auto files = open_language_files(flags->data, flags->split, ByteTokenizer::hash);
    const Evaluation evaluation = evaluate(*model, files, flags->options);
    fmt::print("{}\n", flags->json ? evaluation_json(evaluation) : evaluation_table(evaluation));
    if (!model->is_causal())
      notice("note: this model routes by what comes later, so its figures are not those of a language model\n");
  });
}

}  // namespace multipl_moe
