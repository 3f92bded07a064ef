#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/cli/trace_page.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
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
  TracePageFlags page;
};

/// Throws UsageError unless there is something to write and every flag is for it.
void require_fitting(const TraceFlags& flags) {
  const TracePageFlags& page = flags.page;
  const auto refuse = [](const std::string& rule) { throw UsageError("[trace] " + rule); };
  const bool has_tables = !flags.output.empty(), has_page = !page.html.empty(), has_files = !page.files.empty(),
             has_data = !flags.data.empty();
  if (!has_tables && !has_page)
    refuse("--output must name a folder for tables and pictures, or --html a file for a page, found neither");
  if (!has_page && (has_files || page.tokens || !page.layers.empty()))
    refuse(fmt::format("{} is a setting of the page, found no --html", has_files     ? "--file"
                                                                       : page.tokens ? "--html-tokens"
                                                                                     : "--html-layers"));
  if (!has_data && has_tables) refuse("--output needs --data, whose held-out text the tables are of, found none");
  if (!has_data && !has_files) refuse("--html needs the text to show, --file or --data, found neither");
  if (has_data && has_files && !has_tables)
    refuse("--data is not for a page of files: it needs --output for tables, or no --file, found neither");
  if (!has_data && flags.split != HeldOutFlags().split) refuse("--split is a setting of --data, found none");
  if (!has_tables && flags.options.tokens != TraceOptions().tokens)
    refuse("--tokens is a setting of the tables, found no --output; --html-tokens is that of the page");
}

void write_trace(const RoutingTrace& trace, const std::filesystem::path& folder) {
  create_folders(folder);
  write_file_atomically(folder / "token_experts.csv", token_experts_csv(trace));
  write_file_atomically(folder / "summary.csv", summary_csv(trace));
  write_file_atomically(folder / "sequences.csv", sequences_csv(trace));
  if (has_segments(trace)) {
    write_file_atomically(folder / "segment_experts.csv", segment_experts_csv(trace));
    write_file_atomically(folder / "segment_positions.csv", segment_positions_csv(trace));
    write_file_atomically(folder / "segment_sharing.csv", segment_sharing_csv(trace));
  } else {
    notice("note: no layer of this model routes segments, so there are no tables of segments\n");
  }
  draw_pictures(folder, routing_pictures(trace));
}

void run_trace(const TraceFlags& flags) {
  require_fitting(flags);
  require_usable(flags, "trace");
  const LanguageFiles files = flags.data.empty() ? LanguageFiles() : open_held_out(flags);
  const TraceOptions& options = flags.options;
  const ModelConfig config = load_config(flags.model);
  require_positions("trace", config, options.length);
  std::int64_t longest = longest_text(files, 0);
  std::optional<TracePagePlan> page;
  if (!flags.page.html.empty()) {
    const auto tokenizer = read_tokenizer(model_folder(flags.model));
    require_tokenizer_fits(flags.model, config, *tokenizer);
    page = plan_trace_page(flags.page, config, *tokenizer, files, options.length);
    longest = std::max(longest, page->longest());
  }
  const auto model =
      load_for_inference(flags, scoring_run("trace", flags.model, {options.sequences, options.length, longest, true}));
  if (!flags.output.empty()) {
    const RoutingTrace trace = trace_routing(*model, files, options);
    write_trace(trace, flags.output);
    fmt::print("{}", summary_csv(trace));
  }
  if (page) write_trace_page(flags.page, flags.model, *model, options, std::move(*page));
}

}  // namespace

void add_trace_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "trace",
      "Writes which experts process which language, as tables (CSV) and pictures, or a page that shows the routing in "
      "the source text.");
  const auto flags = std::make_shared<TraceFlags>();
  add_held_out_options(command, *flags, flags->options.sequences, flags->options.length);
  command.get_option("--data")->required(false);
  command
      .add_option("-o,--output", flags->output,
                  "folder for the tables and pictures; files of the same names are replaced")
      ->type_name("DIR");
  command.add_option("--tokens", flags->options.tokens, "maximum number of tokens per language in the tables; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  add_trace_page_options(command, flags->page);
  command.callback([flags] { run_trace(*flags); });
}

}  // namespace multipl_moe
