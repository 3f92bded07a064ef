#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/probe.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/lesion_report.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

struct LesionFlags : HeldOutFlags {
  std::string output;
  EvaluateOptions options{.max_bytes = 16384};
  std::vector<std::int64_t> layers;
  bool is_of_kinds = false, json = false;
};

void run_lesion(LesionFlags& flags) {
  constexpr const char* command = "probe lesion";
  if (flags.is_of_kinds && !flags.layers.empty())
    throw UsageError("[probe lesion] --layers chooses single experts, of which --kinds-only scores none");
  if (flags.weights == "stored")
    throw UsageError(
        "[probe lesion] --weights must be auto or float32, found stored: outputs are set to 0 by changing weights, "
        "which must be in memory");
  require_new_folder(command, flags.output);
  require_usable(flags, command);
  const ModelConfig config = load_config(flags.model);
  std::vector<probe::Lesion> lesions = probe::lesions_of(config, flags.layers, flags.is_of_kinds);
  const EvaluateOptions& options = flags.options;
  require_positions(command, config, options.length);
  const LanguageFiles files = open_held_out(flags);
  const ModelDtype dtype = flags.model_dtype();
  // With auto the weights could stay in the files.
  if (device_named(flags.device).kind == Device::Kind::cpu && dtype == ModelDtype::float32) flags.weights = "float32";
  InferenceRun run =
      scoring_run(command, flags.model,
                  {options.sequences, options.length, longest_text(files, options.max_bytes), /*is_observed=*/true});
  const std::int64_t kept = probe::bytes_of_largest(config, lesions, dtype);
  run.plan = [plan = run.plan, kept](WeightsForm form) {
    auto parts = plan(form);
    parts.push_back({"a copy of the weights that are set to 0", kept, /*is_fixed=*/true});
    return parts;
  };
  const auto model = load_for_inference(flags, run);
  LiveLine line;
  const std::size_t all = lesions.size() + 1;
  const probe::LesionReport report =
      probe::measure_lesions(*model, files, options, std::move(lesions), [&](std::size_t done) {
        if (!flags.quiet) line.show(fmt::format("probe lesion {}/{}", done, all), done % 20 == 0, done == all);
      });
  const std::string page = probe::lesion_page(report, flags.model), json = probe::lesion_json(report);
  save_folder_atomically(flags.output, [&](const std::filesystem::path& made) {
    write_file_atomically(made / "lesion.md", page);
    write_file_atomically(made / "lesion.csv", probe::lesion_csv(report));
    if (const std::string matrix = probe::lesion_matrix_csv(report); !matrix.empty())
      write_file_atomically(made / "lesion_matrix.csv", matrix);
    write_file_atomically(made / "lesion.json", json + "\n");
  });
  fmt::print("{}", flags.json ? json + "\n" : page);
}

}  // namespace

void add_probe_lesion(CLI::App& group) {
  CLI::App& command = *group.add_subcommand(
      "lesion",
      "Scores held-out text while the outputs of experts are 0: of all shared, token or segment experts, and of each "
      "expert alone. How often an expert is selected does not tell what it is used for.");
  const auto flags = std::make_shared<LesionFlags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command
      .add_option("-o,--output", flags->output,
                  "folder for lesion.md, lesion.csv, lesion_matrix.csv and lesion.json; must be new or empty")
      ->required()
      ->type_name("DIR");
  command.add_option("--max-bytes", flags->options.max_bytes, "maximum text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--layers", flags->layers,
                  "layers whose experts are removed one at a time, counted from 0, such as 0,11,23 [all]")
      ->delimiter(',')
      ->check(not_negative());
  command.add_flag("--kinds-only", flags->is_of_kinds, "remove all experts of a kind at once, and no single ones");
  command.add_flag("--json", flags->json, "print lesion.json instead of lesion.md");
  command.add_flag("-q,--quiet", flags->quiet, "do not print progress");
  command.callback([flags] { run_lesion(*flags); });
}

}  // namespace multipl_moe
