/// Completions and results in the form of MultiPL-E's scripts.
#pragma once

#include <filesystem>
#include <span>

#include "multipl_moe/benchmark/scores.hpp"

namespace multipl_moe::benchmark {

/// Replaces the folder by one with two files for each problem: NAME.json with the completions, which MultiPL-E's
/// evaluation script can execute again, and NAME.results.json with the results in its four statuses. NAME is the
/// problem's name and language, as unique_file_names() gives it. Throws IoError.
void export_multipl_e(const std::filesystem::path& folder, std::span<const Problem> problems,
                      std::span<const Scored> scored);

}  // namespace multipl_moe::benchmark
