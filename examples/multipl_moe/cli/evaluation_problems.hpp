/// The problems that `evaluate` is about.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/benchmark/completion_file.hpp"
#include "multipl_moe/benchmark/problem.hpp"
#include "multipl_moe/cli/evaluate_options.hpp"

namespace multipl_moe {

/// The problems, and completions that came with them.
struct Selection {
  std::vector<benchmark::Problem> problems;
  std::vector<benchmark::Completion> completions;             ///< of --completions
  std::vector<std::pair<std::string, std::uint64_t>> hashes;  ///< of the benchmarks' files

  std::set<Language> languages() const;
};

/// Reads --benchmark and --completions and keeps what --languages and --limit select. Throws BadFile, IoError, and
/// UsageError if benchmarks, completions and flags do not fit each other.
Selection select_problems(const EvaluateFlags& flags);

}  // namespace multipl_moe
