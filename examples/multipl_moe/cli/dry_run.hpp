/// What a training would take, and whether this machine has it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/training_options.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Everything that a run is sized by.
struct PlannedRun {
  ModelConfig config;
  std::function<bool(std::string_view)> trains;
  const BatchStream& stream;
};

/// --dry-run, and --gpu-memory with the precisions that it is planned for.
void add_dry_run_options(CLI::App& command, DryRunFlags& flags);

/// What comes before every run. With --dry-run it prints parameters, memory on the host and on a GPU, checkpoints,
/// steps and tokens by language, as text or JSON on stdout, and gives true: nothing more was asked for. Throws
/// OutOfMemory where memory, IoError where the disk cannot hold the run, before anything is allocated or written.
bool is_only_planned(const PlannedRun& run, const TrainingFlags& flags);

}  // namespace multipl_moe
