#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/probe.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/probe/bypass.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/run_checkpoints.hpp"

namespace multipl_moe {

namespace {

struct BypassFlags : HeldOutFlags {
  std::string output;
  TraceOptions options{.tokens = 16384};
  bool json = false;
};

/// Loads the model or checkpoint in `folder` and traces it.
RoutingTrace trace_of(const BypassFlags& flags, const std::string& folder, const LanguageFiles& files) {
  const TraceOptions& options = flags.options;
  InferenceFlags one = flags;
  one.model = folder;
  const auto model = load_for_inference(
      one, scoring_run("probe bypass", folder, {options.sequences, options.length, longest_text(files, 0), true}));
  return trace_routing(*model, files, options);
}

void run_bypass(const BypassFlags& flags) {
  constexpr const char* command = "probe bypass";
  require_new_folder(command, flags.output);
  require_usable(flags, command);
  const ModelConfig config = load_config(flags.model);
  probe::BypassReport report{.expert = probe::shared_expert_of(config), .points = {}};
  require_positions(command, config, flags.options.length);
  const LanguageFiles files = open_held_out(flags);
  const bool is_run = model_folder(flags.model) != std::filesystem::path(flags.model);
  for (const std::int64_t step : is_run ? checkpoint_steps(flags.model) : std::vector<std::int64_t>())
    report.points.push_back({step, trace_of(flags, checkpoint_folder(flags.model, step).native(), files)});
  if (report.points.empty()) report.points.push_back({std::nullopt, trace_of(flags, flags.model, files)});
  const std::string page = probe::bypass_page(report, flags.model), json = probe::bypass_json(report);
  save_folder_atomically(flags.output, [&](const std::filesystem::path& made) {
    write_file_atomically(made / "bypass.md", page);
    write_file_atomically(made / "bypass.csv", probe::bypass_csv(report));
    write_file_atomically(made / "bypass.json", json + "\n");
  });
  fmt::print("{}", flags.json ? json + "\n" : page);
}

}  // namespace

void add_probe_bypass(CLI::App& group) {
  CLI::App& command = *group.add_subcommand(
      "bypass",
      "Measures the gate of MultiPL-MoE's shared expert on held-out text, by layer and language, and in every "
      "checkpoint of a training run.");
  const auto flags = std::make_shared<BypassFlags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command.get_option("--model")->description(
      "folder of a model, or of a training run, of which every checkpoint is read (`train --keep-checkpoints` sets how "
      "many stay)");
  command
      .add_option("-o,--output", flags->output,
                  "folder for bypass.md, bypass.csv and bypass.json; must be new or empty")
      ->required()
      ->type_name("DIR");
  command.add_option("--tokens", flags->options.tokens, "maximum number of tokens per language; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.add_flag("--json", flags->json, "print bypass.json instead of bypass.md");
  command.callback([flags] { run_bypass(*flags); });
}

}  // namespace multipl_moe
