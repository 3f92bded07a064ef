/// A job while it runs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "multipl_moe/sandbox/cgroup.hpp"
#include "multipl_moe/sandbox/launch.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe::sandbox {

/// The processes of a job. Whatever happens, none is left when this object is destroyed.
class Running {
 public:
  /// A job without isolation: the child leads a process group.
  explicit Running(::pid_t child);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// The child is bubblewrap, which has started `first` as the first process of a PID namespace.
  void set_first_in_namespace(::pid_t first);

  bool is_isolated() const noexcept { return first_ != child_; }
  /// The process whose descendants are the job.
  ::pid_t first() const noexcept { return first_; }
  /// Becomes readable when the first process has ended; in a namespace, all others have ended before.
  int ended() const noexcept { return ended_.number(); }
  /// Kills all processes of the job without waiting.
  void kill() noexcept;
  /// Waits until all have ended. The status is the child's; the time and size are of all of them.
  Ended wait();

 private:
  ::pid_t child_, first_;
  Descriptor ended_;
  bool has_ended_ = false;
};

/// The ends of the pipes from a job that this process reads.
struct Output {
  Descriptor from;
  std::string text;
  bool is_open = true;

  /// Reads what is there, without waiting. Beyond `limit` bytes only one more is kept, as a sign.
  void read(std::int64_t limit);
};

/// Watches a running job until it has ended, and kills it when it exceeds a limit.
class Supervision {
 public:
  Supervision(const Job& job, const JobGroup& group, Running& running, Output& out, Output& err)
      : job_(job), group_(group), running_(running), out_(out), err_(err) {}

  /// Returns when the first process has ended. Job::is_cancelled may throw.
  void watch();

  /// The limit that the job has exceeded.
  const std::optional<End>& exceeded() const noexcept { return exceeded_; }
  bool was_cancelled() const noexcept { return was_cancelled_; }
  double seconds() const noexcept { return used_.seconds; }
  double cpu_seconds() const noexcept { return used_.cpu_seconds; }
  std::int64_t peak_bytes() const noexcept { return peak_bytes_; }

 private:
  void look();
  void look_at_memory(const std::vector<::pid_t>& processes);
  void end_if_exceeded();

  const Job& job_;
  const JobGroup& group_;
  Running& running_;
  Output& out_;
  Output& err_;
  Usage used_;
  int looks_ = 0;
  std::int64_t peak_bytes_ = 0;
  std::optional<End> exceeded_;
  bool was_cancelled_ = false;
};

}  // namespace multipl_moe::sandbox
