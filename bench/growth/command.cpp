#include "bench/growth/command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bench/growth/growth.hpp"
#include "bench/growth/picture.hpp"
#include "bench/run_as_command.hpp"
#include "bench/shape_flag.hpp"
#include "multipl_moe/io/atomic_folder.hpp"

namespace moe_bench {

namespace {

namespace fs = std::filesystem;

struct GrowthFlags {
  std::string shape = "4096x256x512x32x2", out, peer;
  std::vector<Index> rows{256, 1024, 4096, 16384, 65536}, experts{8, 16, 32, 64, 128, 256}, chosen{1, 2, 4, 8};
  Timing timing;
  int threads = moe::available_threads();
};

std::string command_of(const GrowthFlags& flags) {
  std::string peer = flags.peer.empty() ? "" : fmt::format(" \\\n  --peer {}", flags.peer);
  return fmt::format(
      "moe_bench growth --shape {} --rows {} \\\n  --experts {} --chosen {} \\\n  --repetitions {} --threads {}{} "
      "--out "
      "docs/results",
      flags.shape, fmt::join(flags.rows, ","), fmt::join(flags.experts, ","), fmt::join(flags.chosen, ","),
      flags.timing.repetitions, flags.threads, peer);
}

void write_growth(const GrowthFlags& flags) {
  const GrowthSizes sizes{*parse_shape(flags.shape), flags.rows, flags.experts, flags.chosen};
  growth_axes(sizes);  // refuses sizes before anything is measured
  const auto peer = flags.peer.empty() ? decltype(read_peer({})){} : read_peer(flags.peer);
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  Growth growth = measure_growth(sizes, flags.timing, flags.threads, [&](int round) {
    if (shows_progress) fmt::print(stderr, "\rround {} of {}", round, flags.timing.repetitions);
  });
  if (shows_progress) fmt::print(stderr, "\n");
  if (!flags.peer.empty()) add_peer(growth, peer.first, peer.second);
  const std::string folder = "growth";
  const fs::path out = flags.out;
  multipl_moe::create_folders(out / folder);
  multipl_moe::write_file_atomically(out / folder / "growth.csv", growth_csv(growth));
  multipl_moe::draw_pictures(out / folder, {growth_picture(growth)});
  multipl_moe::write_file_atomically(out / "growth.md", growth_page(growth, command_of(flags), folder));
}

}  // namespace

Command add_growth_command(CLI::App& program) {
  const auto flags = std::make_shared<GrowthFlags>();
  CLI::App& command = *program.add_subcommand(
      "growth",
      "time a TokenMoE and a dense FFN as rows, experts and experts per row grow; write a page with a picture");
  command.add_option("--shape", flags->shape, "sizes that do not grow; " + shape_help())
      ->check(known_shape())
      ->type_name("NAME|TxDxFxExK")
      ->capture_default_str();
  const auto add_sizes = [&](const char* name, std::vector<Index>& values, const char* what) {
    command.add_option(name, values, what)->delimiter(',')->type_name("N,...")->capture_default_str();
  };
  add_sizes("--rows", flags->rows, "numbers of rows to measure");
  add_sizes("--experts", flags->experts, "numbers of experts to measure");
  add_sizes("--chosen", flags->chosen, "numbers of experts per row to measure");
  command.add_option("--peer", flags->peer, "file of another library's times, written by bench/peers/cpu.py --csv")
      ->type_name("FILE");
  command.add_option("--out", flags->out, "folder in which growth.md and its folder growth are written")
      ->required()
      ->type_name("DIR");
  command.add_option("--repetitions", flags->timing.repetitions, "number of measured rounds, after one warm-up round")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      .add_option("--min-time", flags->timing.repetition_seconds,
                  "minimum seconds per repetition; short passes are iterated to reach it")
      ->check(CLI::Range(1e-6, 60.0))
      ->capture_default_str();
  command.add_option("--threads", flags->threads, "number of CPU threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  return {&command, [flags] { run_as_command([&] { write_growth(*flags); }); }};
}

}  // namespace moe_bench
