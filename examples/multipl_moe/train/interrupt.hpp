/// SIGINT asks a run to stop at the next step's end.
#pragma once

namespace multipl_moe {

/// While it lives, the first SIGINT is noted instead of ending the process; a second one ends it.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  static bool interrupted() noexcept;

 private:
  void (*previous_)(int);
};

}  // namespace multipl_moe
