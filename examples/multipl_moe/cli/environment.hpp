/// env.json: with what a run was computed, enough to know why two runs differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"

namespace multipl_moe {

/// Writes `run`/env.json: version, compiler and flags, CPU, threads, versions of dependencies, data files with hashes.
/// A run that goes on after `steps_done` > 0 steps keeps what it began with; what is different now is appended under
/// `resumed`, and a notice names what could change its bits. Throws IoError.
void record_environment(const std::filesystem::path& run, const BatchStream& stream, int threads,
                        std::int64_t steps_done);

/// As /proc/cpuinfo calls it; "unknown" where it does not say.
std::string cpu_name();
/// Name and version of what the program was compiled with.
std::string compiler_name();
/// Name and version of each library that the program was compiled against.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace multipl_moe
