/// The part of --dry-run that is about several processes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "multipl_moe/cli/training_options.hpp"
#include "multipl_moe/train/exchange_plan.hpp"

namespace multipl_moe {

/// A training run in several processes on machines elsewhere.
struct RanksRun {
  const DryRunFlags& flags;
  const ExchangePlan& plan;
  std::int64_t steps = 1;  ///< of the whole run
  /// In the whole run.
  std::int64_t saves = 1, evaluations = 0;
  bool is_resumed = false;
  bool is_on_gpu = false;
  bool has_global_balance = false;
  bool are_experts_spread = false;
  /// Seconds of a step in one process by arithmetic, if they are known.
  std::optional<double> arithmetic_step{};
};

/// Adds --ranks, --ranks-per-machine, --bandwidth and --step-time, which need `dry`.
void add_ranks_options(CLI::App& command, CLI::Option* dry, DryRunFlags& flags);
/// Throws UsageError for values that do not fit each other, or if a launcher has started this process with others.
void check_ranks(const std::string& command, const DryRunFlags& flags);

/// Prints what the processes send each other, with --bandwidth how long that takes, and with the time of a step the
/// share of time in which they compute.
void print_exchanges(const RanksRun& run);
/// Adds `processes`, `exchanges`, `efficiency` if it is known, and `assumptions`.
void add_exchanges(nlohmann::ordered_json& out, const RanksRun& run);

}  // namespace multipl_moe
