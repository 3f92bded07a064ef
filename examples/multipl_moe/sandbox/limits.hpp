/// The limits of a job, and how exceeding one of them is recognized.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <optional>
#include <vector>

namespace multipl_moe::sandbox {

/// The limits of one job. Those of memory, processes and CPU time hold for all of its processes together.
struct Limits {
  double cpu_seconds = 15;
  double wall_seconds = 45;                           ///< catches programs that wait instead of computing
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< files in /tmp are included
  std::int64_t file_bytes = std::int64_t{64} << 20;   ///< of one file
  std::int64_t output_bytes = std::int64_t{2} << 20;  ///< of stdout and of stderr, each
  int processes = 64;                                 ///< threads are included
};

/// How a job ended. A limit that ended it takes precedence over the signal that enforced it. output_limit: stdout,
/// stderr, or the files in a writable folder.
enum class End { exited, signaled, timeout, out_of_memory, output_limit };

/// /tmp holds at most half of the memory limit, so that a full /tmp is the program's error and not the end of the job.
inline std::int64_t temporary_bytes(const Limits& limits) { return limits.memory_bytes / 2; }

/// The files in a writable folder may have this size together.
inline std::int64_t folder_bytes(const Limits& limits) { return 4 * limits.file_bytes; }

/// A writable folder may have this many entries.
inline constexpr std::int64_t most_folder_entries = 10000;

/// What a running job has used up to now.
struct Usage {
  double seconds = 0, cpu_seconds = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t out_bytes = 0, err_bytes = 0;
  std::int64_t folder_bytes = 0, folder_entries = 0;
};

/// The limit that a running job has exceeded.
inline std::optional<End> exceeded_limit(const Limits& limits, const Usage& used) {
  if (used.memory_bytes > limits.memory_bytes) return End::out_of_memory;
  if (used.out_bytes > limits.output_bytes || used.err_bytes > limits.output_bytes) return End::output_limit;
  if (used.folder_bytes > folder_bytes(limits) || used.folder_entries > most_folder_entries) return End::output_limit;
  if (used.cpu_seconds > limits.cpu_seconds || used.seconds > limits.wall_seconds) return End::timeout;
  return std::nullopt;
}

/// How a job ended by itself or by the kernel. `code` is as a shell gives it: 128 + the signal if there was one.
struct Ending {
  End end = End::exited;
  int exit_code = 0, signal = 0;
};

/// `kernel_ran_out`: the kernel has killed a process of the job for its memory.
inline Ending ending_of(int code, bool kernel_ran_out) {
  if (kernel_ran_out) return {End::out_of_memory, 0, 0};
  if (code <= 128 || code > 128 + 64) return {End::exited, code, 0};
  if (code - 128 == SIGXCPU) return {End::timeout, 0, 0};
  return {End::signaled, 0, code - 128};
}

struct ResourceLimit {
  int resource = 0;
  ::rlimit value{};
};

/// Limits of each single process, set before the sandbox starts. They stop a program between two looks at its usage,
/// and are above the job's limits where these have an outcome of their own.
inline std::vector<ResourceLimit> process_limits(const Limits& limits) {
  const auto seconds = static_cast<::rlim_t>(std::ceil(limits.cpu_seconds));
  const auto both = [](std::int64_t value) {
    return ::rlimit{static_cast<::rlim_t>(value), static_cast<::rlim_t>(value)};
  };
  return {{RLIMIT_CPU, {seconds + 1, seconds + 2}},
          {RLIMIT_DATA, both(limits.memory_bytes + (std::int64_t{1} << 30))},
          {RLIMIT_FSIZE, both(limits.file_bytes)},
          {RLIMIT_NOFILE, both(256)},
          // With 0, the kernel would still start a program that core_pattern names. 1 is below the least core file.
          {RLIMIT_CORE, both(1)},
          {RLIMIT_MEMLOCK, both(64 << 10)},
          {RLIMIT_MSGQUEUE, both(0)}};
}

}  // namespace multipl_moe::sandbox
