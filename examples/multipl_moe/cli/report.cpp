#include <fmt/format.h>

#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/run_report.hpp"

namespace multipl_moe {

void add_report_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "report", "Training runs beside each other: what differs, losses, curves (Markdown, CSV, SVG, PNG).");
  struct Flags {
    std::vector<std::filesystem::path> runs;
    std::string output;
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("--run", flags->runs, "run folder of pretrain or train; once for each run")
      ->required()
      ->type_name("DIR")
      ->allow_extra_args(false);
  command.add_option("-o,--output", flags->output, "folder for the report; files of the same names are replaced")
      ->required()
      ->type_name("DIR");
  command.callback([flags] {
    const std::vector<std::string> names = run_names(flags->runs);
    std::vector<RunRecord> runs;
    for (std::size_t i = 0; i < flags->runs.size(); ++i) {
      runs.push_back(read_run(flags->runs[i]));
      runs.back().name = names[i];
    }
    const std::filesystem::path folder = flags->output;
    create_folders(folder);
    const std::string text = report_text(runs);
    write_file_atomically(folder / "report.md", text);
    write_file_atomically(folder / "metrics.csv", metrics_csv(runs));
    draw_pictures(folder, run_pictures(runs));
    fmt::print("{}", text);
  });
}

}  // namespace multipl_moe
