#pragma once

#include <algorithm>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "moe/core/index.hpp"

namespace moe::cpu {

/// task(i) for i in [0, count) on up to `threads` threads. What a task computes may depend on i and count only, never on
/// who runs it: that is how results keep their bits for any number of threads. The first exception is rethrown.
template <class Task>
void parallel(int threads, Index count, const Task& task) {
#ifdef _OPENMP
  if (threads > 1 && count > 1 && omp_in_parallel() == 0) {
    std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast<int>(std::min<Index>(threads, count)))
    for (Index i = 0; i < count; ++i) {
      try {
        task(i);
      } catch (...) {
#pragma omp critical(moe_cpu_parallel)
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (Index i = 0; i < count; ++i) task(i);
}

/// task(begin, end) over tiles of `tile` items; the tiling depends on count alone.
template <class Task>
void parallel_tiles(int threads, Index count, Index tile, const Task& task) {
  parallel(threads, (count + tile - 1) / tile,
           [&](Index i) { task(i * tile, std::min(count, (i + 1) * tile)); });
}

inline int available_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace moe::cpu
