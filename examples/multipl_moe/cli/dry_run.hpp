/// The resources that a training run needs, and whether this machine has them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string_view>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/training_options.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// What the size of a run depends on, apart from its flags.
struct PlannedRun {
  std::string_view command;
  ModelConfig config;
  std::function<bool(std::string_view)> trains;
  const BatchStream& stream;
  /// Of gpu_of().
  const std::optional<Gpu>& gpu;
  const Tokenizer& tokenizer;
};

/// Adds --dry-run, --device-memory, --json, and the options of ranks_dry_run.hpp.
void add_dry_run_options(CLI::App& command, DryRunFlags& flags);

/// The check before every run. With --dry-run it prints parameters, memory on the device, checkpoints, steps, tokens by
/// language and, for a GPU, the plans that it could follow, as text or JSON on stdout, and returns true: the run is not
/// to begin. Throws OutOfMemory if memory, IoError if the disk cannot hold the run, before anything is allocated or
/// written. The processes that a launcher has started on this machine share its memory: all call it together, and none
/// returns before all have seen what is free. With --ranks it plans for other machines, and this one's memory and disk
/// are not asked. Throws UsageError if micro-batches or slots cannot be dealt to the processes.
bool is_only_planned(const PlannedRun& run, const TrainingFlags& flags);

}  // namespace multipl_moe
