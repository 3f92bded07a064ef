/// The check of the program on a GPU:
///
///   multipl_moe_gpu_check --out DIR [--budget 540] [--from STAGE] [--only STAGE] [--device cuda:N] [--threads N]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "bench/gpu_program/stages.hpp"
#include "moe/core/workers.hpp"
#include "multipl_moe/cli/machine.hpp"
#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/notice.hpp"

namespace {

using namespace gpu_program;

struct Flags {
  std::string out, from, only, device = "cuda", stage;
  double budget = 540;
  int threads = moe::available_threads();
};

int check_gpu(const Flags& flags) {
  const auto device = multipl_moe::device_named(flags.device);
  if (device.kind == multipl_moe::Device::Kind::cpu)
    throw multipl_moe::UsageError("[--device] must be a GPU: cuda or cuda:N, found cpu");
  const multipl_moe::Gpu gpu = require_gpu(device, multipl_moe::gpus());
  const std::filesystem::path out = flags.out;
  if (!flags.stage.empty()) {
    const auto make_subject = [&] {
      Subject subject = cuda_subject(gpu.index, flags.threads);
      subject.machine = [] { return machine_text(multipl_moe::this_machine()); };
      return subject;
    };
    return run_stage(flags.stage, make_subject, Sizes::of_program(), out);
  }
  std::vector<Stage> stages;
  for (const DefinedStage& each : all_stages()) stages.push_back(each.stage);
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const auto launch = [&](const Stage& stage) {
    return run_child(self,
                     {"--stage", stage.name, "--out", flags.out, "--device", name_of(device), "--threads",
                      std::to_string(flags.threads)},
                     stage.limit);
  };
  const Selection selection{flags.from, flags.only};
  const Origin origin{text_of(gpu), fmt::format("{:016x}", multipl_moe::hash_of_file(self))};
  const auto result = run_stages(stages, selection, flags.budget, out, origin, launch);
  fmt::print("{}\n", (out / "summary.md").native());
  if (!result.left.empty())
    multipl_moe::notice("not run yet: {}; {}\n", fmt::join(result.left, ", "), next_command(selection));
  if (result.failed.empty()) return 0;
  multipl_moe::notice("not passed: {}; --from or --only repeats a stage\n", fmt::join(result.failed, ", "));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program{
      "Checks the program on a GPU and measures it, in stages; each writes its own page, and a line of "
      "summary.md, as soon as it ends. Called again it goes on after the last stage that has ended.",
      "multipl_moe_gpu_check"};
  Flags flags;
  program.add_option("--out", flags.out, "folder of the results")->required()->type_name("DIR");
  program
      .add_option("--budget", flags.budget, "seconds of this call: no stage is started whose limit would exceed them")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  program.add_option("--from", flags.from, "runs this stage and all after it, again if they have ended");
  program.add_option("--only", flags.only, "runs this stage alone, again if it has ended");
  program.add_option("--device", flags.device, "cuda or cuda:N")->capture_default_str();
  program.add_option("--threads", flags.threads, "host threads that draw weights")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  // A stage in this process; the program starts itself with it.
  program.add_option("--stage", flags.stage)->group("");
  std::vector<std::string> names;
  for (const DefinedStage& each : all_stages())
    names.push_back(fmt::format("  {:<12}{:>4.0f} s  {}", each.stage.name, each.stage.limit, each.stage.title));
  program.footer(fmt::format("Stages, each with its limit:\n{}", fmt::join(names, "\n")));
  try {
    program.parse(argc, argv);
    return check_gpu(flags);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    multipl_moe::notice("error: {}\n", error.what());
    return multipl_moe::exit_code_of(error).value_or(1);
  }
}
