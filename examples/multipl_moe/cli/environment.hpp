/// env.json: the software, the hardware and the data of a run, enough to explain why two runs differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"

namespace multipl_moe {

/// Writes `run`/env.json: version, compiler and flags, device (hardware_of()), CPU, threads, versions of dependencies,
/// data files with hashes.
/// A run that is resumed after `steps_done` > 0 steps keeps its first entry; if the environment is different now, it is
/// appended under `resumed`, and a warning names each difference that can change the results. Throws IoError.
void record_environment(const std::filesystem::path& run, const BatchStream& stream, int threads,
                        const std::string& device, std::int64_t steps_done);

/// The CPU's model name in /proc/cpuinfo; "unknown" if it has none.
std::string cpu_name();
/// Name and version of the compiler of the program.
std::string compiler_name();
/// Name and version of each library that the program was compiled against.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace multipl_moe
