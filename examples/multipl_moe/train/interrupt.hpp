/// SIGINT and SIGTERM ask a run to stop at the next step's end.
#pragma once

namespace multipl_moe {

/// While it lives, the first SIGINT or SIGTERM is noted instead of ending the process; a second one ends it.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// The number of the signal that was noted; 0 is none.
  static int signal() noexcept;

 private:
  using Handler = void (*)(int);
  Handler previous_interrupt_, previous_termination_;
};

}  // namespace multipl_moe
