#pragma once

#include <algorithm>

#include "moe/core/index.hpp"

namespace moe::cpu {

/// Calls task(i), or task(i, worker), for i in [0, count) on up to context.threads threads. The result of a task may
/// depend on i and count only, not on the thread that runs it or on previous contents of the worker's memory; results
/// are then bitwise identical for any number of threads. The first exception is rethrown.
template <class Context, class Task>
void parallel(const Context& context, Index count, const Task& task) {
  context.workers->run(context.threads, count, task);
}

/// Calls task(begin, end) for tiles of `tile` items that cover [0, count). Their borders depend on `count` and `tile`
/// alone.
template <class Context, class Task>
void parallel_tiles(const Context& context, Index count, Index tile, const Task& task) {
  parallel(context, (count + tile - 1) / tile, [&](Index i) { task(i * tile, (std::min)(count, (i + 1) * tile)); });
}

}  // namespace moe::cpu
