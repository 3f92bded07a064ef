/// Runs untrusted programs, such as those of a model, with limits on time, memory, processes and output, and
/// isolated from the machine's files, network and other processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/limits.hpp"

namespace multipl_moe::sandbox {

/// bubblewrap: isolated. none: limits only; the program can read and write what its user can.
enum class Mode { bubblewrap, none };

/// A file or folder that a job may read.
struct Bind {
  std::filesystem::path from;  ///< on this machine
  std::string to;              ///< absolute path in the sandbox
};

/// What to run. In Mode::none, the paths /box and Bind::to in `command` and `environment` are replaced by those on this
/// machine.
struct Job {
  std::vector<std::string> command;  ///< its program is looked up in /usr/bin and /bin
  std::filesystem::path folder;      ///< is at /box; empty: /box is an empty folder
  /// True: the command starts in /box and may write there, as a compiler does. False: /box is read-only and the command
  /// starts in an empty folder, /tmp/run.
  bool folder_is_writable = false;
  std::vector<Bind> read_only;           ///< further files and folders, such as Go's build cache
  std::vector<std::string> environment;  ///< NAME=value, beyond PATH, HOME=/tmp and LC_ALL=C.UTF-8
  Limits limits;
  std::function<bool()> is_cancelled;  ///< called every 20 ms unless empty; true ends the job
};

struct Outcome {
  End end = End::exited;
  int exit_code = 0;  ///< if exited
  /// If signaled. A program in the sandbox that exits with 128 + the number of a signal is reported as signaled too.
  int signal = 0;
  double seconds = 0;           ///< from the start of the command
  double cpu_seconds = 0;       ///< of all processes, with about 10 ms for the start of the sandbox
  std::int64_t peak_bytes = 0;  ///< the largest sum over all processes, files in /tmp included
  std::string out, err;         ///< at most output_bytes each
};

/// Job::is_cancelled has ended the job.
class Cancelled : public Failure {
 public:
  Cancelled() : Failure("[sandbox] the job was canceled") {}
};

/// What the sandbox may use where the machine has it. The tests leave parts out; commands use the defaults.
struct Means {
  bool user_namespace = true;
  bool cgroups = true;
  std::filesystem::path bubblewrap = {};  ///< empty: bwrap in /usr/bin, /usr/local/bin or /bin
};

/// Runs jobs, several at a time from different threads. Copies share the same slots.
class Sandbox {
 public:
  /// Finds out how this machine can isolate programs, and checks that a program that tries to leave the sandbox fails.
  /// As root, the programs of each slot have a user ID of their own, from 61000 on. What earlier runs that were killed
  /// have left behind is removed.
  /// Throws UsageError if `slots` is not in 1 .. 128, Failure with the reason and what would allow it if the machine
  /// cannot isolate programs, and IoError if the folder for temporary files is full.
  static Sandbox open(Mode mode, int slots, const Means& means = {});

  /// Runs a job in slot 0 .. slots - 1; each slot runs one job at a time. Returns after every process of the job has
  /// ended. If this process is killed, the job is too.
  /// As root, the files of a writable folder belong to the slot's user during the run, and those of another folder
  /// become readable for all users. Afterwards a writable folder has no special files and no set-user-ID files.
  /// Throws UsageError if the job cannot be started as described, Cancelled, and Failure if the sandbox itself fails.
  Outcome run(const Job& job, int slot) const;

  /// The name of a slot, for a TemporaryFolder.
  const std::string& slot_name(int slot) const;

  /// How programs are isolated: "bubblewrap 0.8.0, user namespace, memory cgroup v1".
  const std::string& way() const;
  /// One line for the results: way(), and the user IDs of this run's slots.
  const std::string& description() const;

 private:
  class State;
  explicit Sandbox(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace multipl_moe::sandbox
