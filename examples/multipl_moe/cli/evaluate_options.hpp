/// The command line of `evaluate`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/toolchain.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/eval/complete_problems.hpp"

namespace multipl_moe {

/// What `evaluate` does: generate and execute, one of them, or examine machine and benchmark.
enum class EvaluateMode { score, generate, execute, check };

struct EvaluateFlags : InferenceFlags {
  std::vector<std::string> benchmarks, languages;
  std::string completions, output, preset, prompt = "verbatim", sandbox = "bubblewrap", cache, export_form,
                                           protocol = "multipl-e";
  CompletionOptions options;
  std::int64_t samples = 1, limit = 0;
  std::vector<std::int64_t> pass_at;
  int jobs = 0;
  double timeout_scale = 1;
  bool generate_only = false, check = false, allow_unsandboxed = false, resume = false, json = false;

  EvaluateMode mode() const;
  /// Programs end when SIGINT or SIGTERM was recorded.
  benchmark::ExecutionSettings execution() const;
};

/// Adds the options. Returns the check to call after parsing: it applies --preset and throws UsageError for flags that
/// are missing, do not apply or do not fit each other.
std::function<void()> add_evaluate_options(CLI::App& command, EvaluateFlags& flags);

}  // namespace multipl_moe
