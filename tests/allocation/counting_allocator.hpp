/// Counts this program's memory requests, by every form of operator new and by malloc as Eigen's products call it, and
/// refuses them where a test requires it.
#pragma once

#include <cstdint>

namespace moe::testing {

/// Live blocks and bytes of operator new and malloc, and the number of requests to each.
struct Allocated {
  std::int64_t blocks = 0, bytes = 0, news = 0, mallocs = 0;
};
Allocated allocated();

/// Whose requests are refused.
enum class Asking { anyone, helpers };
/// How many requests are refused, starting with the n-th.
enum class Refusals { one, all };

/// While an object lives, request number `nth` (from 1) is refused: std::bad_alloc, or nullptr from the forms that do
/// not throw. Only one object may live at a time. `helpers`: only requests of threads other than the one that
/// constructed it.
class Refuse {
 public:
  explicit Refuse(std::int64_t nth, Refusals refusals = Refusals::one, Asking asking = Asking::anyone);
  Refuse(const Refuse&) = delete;
  Refuse& operator=(const Refuse&) = delete;
  ~Refuse();

  /// Whether a request was refused.
  bool happened() const;
};

}  // namespace moe::testing
