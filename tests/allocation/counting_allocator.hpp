/// What this program asks the system for: every form of operator new, and malloc as Eigen's products call it, counted,
/// and refused where a test says so.
#pragma once

#include <cstdint>

namespace moe::testing {

/// What operator new and malloc have handed out and not got back, and how often each was asked.
struct Allocated {
  std::int64_t blocks = 0, bytes = 0, news = 0, mallocs = 0;
};
Allocated allocated();

/// Whose requests are refused.
enum class Asking { anyone, helpers };
/// How many requests are refused once it begins.
enum class Refusals { one, all };

/// While it lives, request number `nth` (from 1) is refused: std::bad_alloc, or nullptr from the forms that do not
/// throw. One at a time. `helpers`: only requests of threads other than the one that made this.
class Refuse {
 public:
  explicit Refuse(std::int64_t nth, Refusals refusals = Refusals::one, Asking asking = Asking::anyone);
  Refuse(const Refuse&) = delete;
  Refuse& operator=(const Refuse&) = delete;
  ~Refuse();

  /// Whether it came to a refusal.
  bool happened() const;
};

}  // namespace moe::testing
