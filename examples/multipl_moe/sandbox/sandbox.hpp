/// Runs programs that no person has read, such as a model's, with limits on time, memory, processes and output, and
/// isolated from the machine's files, network and other processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace multipl_moe::sandbox {

/// bubblewrap: isolated. none: limits only; the program can read and write what its user can.
enum class Mode { bubblewrap, none };

/// The limits of one job. Those of memory, processes and CPU time hold for all of its processes together.
struct Limits {
  double cpu_seconds = 15;
  double wall_seconds = 45;                           ///< catches programs that wait instead of computing
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< files in /tmp are included
  std::int64_t file_bytes = std::int64_t{64} << 20;   ///< of one file
  std::int64_t output_bytes = std::int64_t{2} << 20;  ///< of stdout and of stderr, each
  int processes = 64;                                 ///< threads are included
};

/// A file or folder that a job may read.
struct Bind {
  std::filesystem::path from;  ///< on this machine
  std::string to;              ///< absolute path in the sandbox
};

struct Job {
  std::vector<std::string> command;  ///< its program is looked up in /usr/bin and /bin
  std::filesystem::path folder;      ///< is at /box; empty: /box is an empty folder
  /// True: the command starts in /box and may write there, as a compiler does. False: /box is read-only and the command
  /// starts in an empty folder, /tmp/run.
  bool folder_is_writable = false;
  std::vector<Bind> read_only;           ///< further files and folders, such as Go's build cache
  std::vector<std::string> environment;  ///< NAME=value, beyond PATH, HOME=/tmp and LC_ALL=C.UTF-8
  Limits limits;
};

/// How a job ended. A limit that ended it takes precedence over the signal that enforced it.
enum class End { exited, signaled, timeout, out_of_memory, output_limit };

struct Outcome {
  End end = End::exited;
  int exit_code = 0;                    ///< if exited
  int signal = 0;                       ///< if signaled
  double seconds = 0, cpu_seconds = 0;  ///< the start of the sandbox is included
  std::int64_t peak_bytes = 0;          ///< largest sum over all processes, files in /tmp included; 0: unknown
  std::string out, err;                 ///< at most output_bytes each
};

/// Runs jobs, several at a time from different threads. Copies share the same slots.
class Sandbox {
 public:
  /// Finds out how this machine can isolate programs, and tests on one that tries to leave the sandbox that it does.
  /// Throws UsageError if slots is not in 1 .. 1000, and Failure with the reason and what would allow it if the machine
  /// cannot isolate programs.
  static Sandbox open(Mode mode, int slots);

  /// Runs a job in slot 0 .. slots - 1; each slot runs one job at a time. Returns after every process of the job has
  /// ended.
  /// Throws UsageError if the job cannot be started as described, Failure if the sandbox itself fails.
  Outcome run(const Job& job, int slot) const;

  /// One line for the results: "bubblewrap 0.8.0, user namespace, memory cgroup v1".
  const std::string& description() const;

 private:
  class State;
  explicit Sandbox(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace multipl_moe::sandbox
