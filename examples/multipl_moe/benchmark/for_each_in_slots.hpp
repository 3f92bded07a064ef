/// Work on several threads, each of which has a slot of the sandbox.
#pragma once

#include <cstddef>
#include <functional>

namespace multipl_moe::benchmark {

/// Calls `work(i, slot)` for 0 .. count - 1 on `jobs` threads, each with its own slot, until one returns false.
/// Rethrows the first exception when every thread has ended.
void for_each_in_slots(std::size_t count, int jobs, const std::function<bool(std::size_t i, int slot)>& work);

}  // namespace multipl_moe::benchmark
