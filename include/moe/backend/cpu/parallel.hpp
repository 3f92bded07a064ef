#pragma once

#include <algorithm>
#include <thread>

#include "moe/core/index.hpp"

namespace moe::cpu {

/// task(i), or task(i, worker), for i in [0, count) on up to context.threads threads. What a task computes may depend
/// on i and count only, never on who runs it or on what it finds in the worker's memory: that is how results keep their
/// bits for any number of threads. The first exception is rethrown.
template <class Context, class Task>
void parallel(const Context& context, Index count, const Task& task) {
  context.workers->run(context.threads, count, task);
}

/// task(begin, end) over tiles of `tile` items; the tiling depends on count alone.
template <class Context, class Task>
void parallel_tiles(const Context& context, Index count, Index tile, const Task& task) {
  parallel(context, (count + tile - 1) / tile, [&](Index i) { task(i * tile, (std::min)(count, (i + 1) * tile)); });
}

/// The processors that the system reports, at least 1.
inline int available_threads() { return (std::max)(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace moe::cpu
