#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

void add_eval_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "eval",
      "Scores a model on held-out text: loss, bits per byte and next-token accuracy by language. `evaluate` runs the "
      "programs that a model writes.");
  struct Flags : HeldOutFlags {
    EvaluateOptions options;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command.add_option("--max-bytes", flags->options.max_bytes, "maximum text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.add_flag("--json", flags->json, "print the scores as JSON");
  command.callback([flags] {
    require_usable(*flags, "eval");
    const LanguageFiles files = open_held_out(*flags);
    const EvaluateOptions& options = flags->options;
    require_positions("eval", load_config(flags->model), options.length);
    const std::int64_t text = longest_text(files, options.max_bytes);
    const auto model =
        load_for_inference(*flags, scoring_run("eval", flags->model, {options.sequences, options.length, text, false}));
    const Evaluation evaluation = evaluate(*model, files, flags->options);
    fmt::print("{}\n", flags->json ? evaluation_json(evaluation) : evaluation_table(evaluation));
    if (!model->is_causal())
      notice(
          "note: the routing of this model depends on later tokens (it is not causal), so its scores are not those of "
          "a language model\n");
  });
}

}  // namespace multipl_moe
