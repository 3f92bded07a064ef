#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/placement_option.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/eval/causality.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/same_on_ranks.hpp"

namespace multipl_moe {

namespace {

struct EvalFlags : HeldOutFlags {
  EvaluateOptions options;
  std::string placement;
  double comm_timeout = 300;  ///< seconds
  bool json = false;
};

ExpertSpread spread_of(const EvalFlags& flags) {
  const auto ranks = launched_ranks();
  check_placement("eval", load_config(flags.model), flags.placement, ranks != nullptr);
  const RankWaits waits = waits_of(flags.comm_timeout);
  const LongerWait wait(ranks.get(), waits);
  const ExpertPlacement placement =
      flags.placement.empty() ? ExpertPlacement::everywhere : placement_named(flags.placement);
  require_same_placement(placement);
  // Only rows of spread experts travel between GPUs.
  if (placement == ExpertPlacement::everywhere) return {};
  const ExpertSpread spread{placement, launched_ranks_on(device_named(flags.device))};
  spread.ranks->library()->set_timeout(waits.usual);
  return spread;
}

/// Compares what the processes are about to do. They have read the model apart.
void begin_together(const RunRanks& ranks, const EvalFlags& flags, const LanguageModel& model,
                    const LanguageFiles& files) {
  const LongerWait wait(&ranks, waits_of(flags.comm_timeout));
  RunSettings settings = settings_of(model, files);
  settings["--device"] = hardware_of(flags.device);
  settings["--batch-size"] = fmt::to_string(flags.options.sequences);
  settings["--sequence-length"] = fmt::to_string(flags.options.length);
  settings["--max-bytes"] = fmt::to_string(flags.options.max_bytes);
  settings["weights of the model"] = fmt::format("XXH3 {:016x}", hash_of_weights(flags.model));
  require_same(ranks, settings);
}

}  // namespace

void add_eval_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "eval",
      "Scores a model on held-out text: loss, bits per byte and next-token accuracy by language. `evaluate` runs the "
      "programs that a model writes.");
  const auto flags = std::make_shared<EvalFlags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command.add_option("--max-bytes", flags->options.max_bytes, "maximum text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  add_placement_option(command, flags->placement, "score", "everywhere");
  add_comm_timeout_option(command, flags->comm_timeout);
  command.add_flag("--json", flags->json, "print the scores as JSON");
  command.callback([flags] {
    choose_device("eval", flags->device);
    require_usable(*flags, "eval");
    const LanguageFiles files = open_held_out(*flags);
    const EvaluateOptions& options = flags->options;
    require_positions("eval", load_config(flags->model), options.length);
    const std::int64_t text = longest_text(files, options.max_bytes);
    const ExpertSpread spread = spread_of(*flags);
    const auto model = load_for_inference(
        *flags, scoring_run("eval", flags->model, {options.sequences, options.length, text, false}), spread);
    // Scores travel through host memory, whatever the device.
    const auto ranks = launched_ranks();
    if (ranks) begin_together(*ranks, *flags, *model, files);
    // Every process checks the same texts, which takes no longer than one that waits for another, and spread experts
    // need all of them.
    const CausalityOptions checked{options.sequences, options.length};
    const Causality causality = measure_causality(*model, suffix_texts(files, checked, *model->tokenizer()), checked);
    require_causality("eval", causality);
    const Evaluation evaluation = evaluate(*model, files, options, ranks.get());
    if (flags->json)
      fmt::print("{}\n", evaluation_json(evaluation, causality));
    else
      fmt::print("{}{}\n", causality.is_by_design ? "" : look_ahead_text(causality) + "\n",
                 evaluation_table(evaluation));
    if (!causality.is_by_design)
      notice(
          "note: the routing of this model depends on later tokens (it is not causal), so its scores are not those of "
          "a language model; `probe leak` measures what it knows of them\n");
  });
}

}  // namespace multipl_moe
