/// env.json: with what a run was computed, enough to know why two runs differ.
#pragma once

#include <cstdint>
#include <filesystem>

#include "multipl_moe/data/batch_stream.hpp"

namespace multipl_moe {

/// Writes `run`/env.json: version, compiler and flags, CPU, threads, versions of dependencies, data files with hashes.
/// A run that goes on after `steps_done` > 0 steps keeps what it began with; what is different now is appended under
/// `resumed`, and a notice names what could change its bits. Throws IoError.
void record_environment(const std::filesystem::path& run, const BatchStream& stream, int threads,
                        std::int64_t steps_done);

}  // namespace multipl_moe
