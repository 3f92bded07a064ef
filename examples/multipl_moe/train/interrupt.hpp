/// SIGINT and SIGTERM request that a run stops after the current step.
#pragma once

namespace multipl_moe {

/// During its lifetime the first SIGINT or SIGTERM is recorded instead of ending the process; a second one ends it.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// The number of the recorded signal; 0: none.
  static int signal() noexcept;

 private:
  using Handler = void (*)(int);
  Handler previous_interrupt_, previous_termination_;
};

}  // namespace multipl_moe
