#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/routing_pictures.hpp"
#include "multipl_moe/report/routing_tables.hpp"
#include "multipl_moe/report/routing_trace.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

namespace {

struct TraceFlags : HeldOutFlags {
  std::string output;
  TraceOptions options;
};

void write_trace(const RoutingTrace& trace, const std::filesystem::path& folder) {
  create_folders(folder);
  write_file_atomically(folder / "token_experts.csv", token_experts_csv(trace));
  write_file_atomically(folder / "summary.csv", summary_csv(trace));
  if (has_segments(trace)) {
    write_file_atomically(folder / "segment_experts.csv", segment_experts_csv(trace));
    write_file_atomically(folder / "segment_positions.csv", segment_positions_csv(trace));
    write_file_atomically(folder / "segment_sharing.csv", segment_sharing_csv(trace));
  } else {
    notice("note: no layer of this model routes segments, so there are no tables of segments\n");
  }
  draw_pictures(folder, routing_pictures(trace));
}

}  // namespace

void add_trace_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("trace", "Writes which experts process which language, as tables (CSV) and pictures.");
  const auto flags = std::make_shared<TraceFlags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command
      .add_option("-o,--output", flags->output,
                  "folder for the tables and pictures; files of the same names are replaced")
      ->required()
      ->type_name("DIR");
  command.add_option("--tokens", flags->options.tokens, "maximum number of tokens per language; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.callback([flags] {
    require_usable(*flags, "trace");
    const LanguageFiles files = open_held_out(*flags);
    const TraceOptions& options = flags->options;
    require_positions("trace", load_config(flags->model), options.length);
    const auto model = load_for_inference(
        *flags, scoring_run("trace", flags->model, {options.sequences, options.length, longest_text(files, 0), true}));
    const RoutingTrace trace = trace_routing(*model, files, flags->options);
    write_trace(trace, flags->output);
    fmt::print("{}", summary_csv(trace));
  });
}

}  // namespace multipl_moe
