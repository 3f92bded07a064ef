#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "moe/core/index.hpp"

#if defined(__clang__)
#define MOE_COMPILED_ONCE __attribute__((noinline))
#elif defined(__GNUC__)
#define MOE_COMPILED_ONCE __attribute__((noinline, noclone))
#else
#define MOE_COMPILED_ONCE
#endif

namespace moe {

/// Number of processors that the system reports, at least 1.
inline int available_threads() { return (std::max)(1, static_cast<int>(std::thread::hardware_concurrency())); }

/// Helper threads that run one job at a time. The calling thread works too and waits only for helpers that have begun a
/// task. A helper that the system has not scheduled yet does not delay the job; on a busy machine such delays are most
/// of the cost of a barrier.
class Workers {
 public:
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop_ = true;
    wake();
    for (std::thread& thread : threads_) thread.join();
  }

  /// Calls task(i), or task(i, worker), for i in [0, count) on up to `threads` threads, including the calling one.
  /// `worker` is in [0, threads), or 0, and differs between tasks of the job that run at the same time: it selects
  /// scratch memory. A call from within a task, or from a second thread while a job is running, uses the calling thread
  /// alone. The first exception is rethrown when every begun task has ended; tasks not yet begun are skipped.
  template <class Task>
  void run(int threads, Index count, const Task& task) {
    run_job(threads, {&call<Task>, &task, count, 0});
  }

 private:
  struct Job {
    void (*call)(const void*, Index, Index) = nullptr;
    const void* task = nullptr;
    Index count = 0;
    std::size_t helpers = 0;
  };
  struct Busy {
    std::atomic_flag& flag;
    ~Busy() { flag.clear(std::memory_order_release); }
  };

  /// Compiled once per task type, for all callers. Compilers may fuse multiply and add in one copy of a task and not in
  /// another; the copies would round differently, and results would depend on the number of threads.
  template <class Task>
  MOE_COMPILED_ONCE static void call(const void* erased, Index i, Index worker) {
    const Task& task = *static_cast<const Task*>(erased);
    if constexpr (std::is_invocable_v<const Task&, Index, Index>)
      task(i, worker);
    else
      task(i);
  }

  /// No template: compiled once per translation unit, not once per task type.
  MOE_COMPILED_ONCE void run_job(int threads, Job job) {
    if (threads <= 1 || job.count <= 1 || busy_.test_and_set(std::memory_order_acquire)) {
      for (Index i = 0; i < job.count; ++i) job.call(job.task, i, 0);
      return;
    }
    const Busy busy{busy_};
    job.helpers = helpers_for(static_cast<std::size_t>(std::min<Index>(threads, job.count) - 1));
    job_ = job;
    next_.store(0, std::memory_order_relaxed);
    open_.store(true);
    wake();
    work(0);
    open_.store(false);
    for (int spins = 0; active_.load() != 0; spins = (std::min)(spins + 1, 64)) relax(spins);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  static void relax(int spins) {
#ifdef __SSE2__
    if (spins < 64) return _mm_pause();
#endif
    if (spins >= 64) std::this_thread::yield();
  }

  /// Starts helpers up to `wanted`. Returns their number, which is lower if the system refuses to start more.
  std::size_t helpers_for(std::size_t wanted) {
    try {
      while (threads_.size() < wanted) threads_.emplace_back([this, index = threads_.size()] { help(index); });
    } catch (const std::system_error&) {
      return threads_.size();
    } catch (const std::bad_alloc&) {
      return threads_.size();
    }
    return wanted;
  }

  void wake() {
    ++epoch_;
    epoch_.notify_all();
  }

  /// Runs tasks until none is left.
  void work(Index worker) {
    for (Index i; (i = next_.fetch_add(1)) < job_.count;) {
      try {
        job_.call(job_.task, i, worker);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_.store(job_.count);
      }
    }
  }

  void help(std::size_t index) {
    // While a layer runs, jobs follow each other within microseconds, so helpers spin for a while before they sleep.
    constexpr int looks = 2000;
    for (std::uint32_t seen = 0; !stop_;) {
      // The caller waits for a helper that increments active_ before it finds the job open. A helper that finds the
      // job closed does not access it.
      ++active_;
      if (open_.load() && index < job_.helpers) work(static_cast<Index>(index) + 1);
      --active_;
      for (int spins = 0; spins < looks && epoch_.load() == seen; ++spins) relax(0);
      epoch_.wait(seen);
      seen = epoch_.load();
    }
  }

  std::vector<std::thread> threads_;
  std::atomic_flag busy_;
  Job job_;
  std::atomic<Index> next_{0};
  std::atomic<bool> open_{false};
  std::atomic<int> active_{0};
  std::atomic<std::uint32_t> epoch_{0};
  std::atomic<bool> stop_{false};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace moe
