/// The records in a run folder: config.toml, env.json, metrics.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// A line of metrics.jsonl. Values that were not finite are NaN.
struct StepMetrics {
  std::int64_t step = 0;  ///< from 1
  double loss = 0;        ///< nats per token
  double auxiliary = 0;   ///< weighted balance loss and z-loss, summed over layers
  double rate = 0;
  double gradient_norm = 0;
  double tokens_per_second = 0;  ///< mean since its process started
  bool skipped = false;
  std::vector<std::pair<Language, double>> held_out{};               ///< nats per token; of evaluated steps
  double busiest_expert = std::numeric_limits<double>::quiet_NaN();  ///< highest load over the mean, in any layer
};

using NamedValues = std::vector<std::pair<std::string, std::string>>;

struct RunRecord {
  std::string name;
  NamedValues settings;     ///< of config.toml, in the file's order; `command` is its section
  NamedValues environment;  ///< of env.json: version, compiler, ..., `data.rust` (hash and tokens)
  std::vector<StepMetrics> steps;

  bool has_held_out() const;
  bool has_load() const;
  /// Tokens per step according to the settings; empty if they do not have this.
  std::optional<std::int64_t> tokens_per_step() const;
};

/// Throws BadFile, with the line of config.toml or metrics.jsonl, if a file is missing, is not as a run writes it, or
/// has no step. An incomplete last line, left by a killed run, is skipped with a notice.
RunRecord read_run(const std::filesystem::path& folder);

/// The name of each folder without its path; as given if two names would be the same.
std::vector<std::string> run_names(const std::vector<std::filesystem::path>& folders);

}  // namespace multipl_moe
