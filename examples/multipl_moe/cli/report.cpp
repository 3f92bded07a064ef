#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/run_report.hpp"

namespace multipl_moe {

namespace {

/// Throws OutOfMemory if memory cannot hold the runs' steps, their table and the scripts of the pictures.
void require_memory(const std::vector<std::filesystem::path>& runs) {
  constexpr std::int64_t held_per_byte = 6;
  std::uintmax_t bytes = 0;
  for (const std::filesystem::path& run : runs) {
    std::error_code missing;  // which read_run() reports
    const std::uintmax_t size = std::filesystem::file_size(run / "metrics.jsonl", missing);
    if (!missing) bytes += size;
  }
  require_free_memory("report",
                      std::array{MemoryPart{"the steps of all runs and the tables made from them",
                                            held_per_byte * static_cast<std::int64_t>(bytes)}},
                      "fewer runs at a time need less");
}

}  // namespace

void add_report_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "report", "Compares training runs: their differing settings, losses and curves (Markdown, CSV, SVG, PNG).");
  struct Flags {
    std::vector<std::filesystem::path> runs;
    std::string output;
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("--run", flags->runs, "run folder of pretrain or train; given once for each run")
      ->required()
      ->type_name("DIR")
      ->allow_extra_args(false);
  command.add_option("-o,--output", flags->output, "folder for the report; files of the same names are replaced")
      ->required()
      ->type_name("DIR");
  command.callback([flags] {
    require_memory(flags->runs);
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
    if (const std::string table = held_out_csv(runs); !table.empty())
      write_file_atomically(folder / "held_out.csv", table);
    draw_pictures(folder, run_pictures(runs));
    fmt::print("{}", text);
  });
}

}  // namespace multipl_moe
