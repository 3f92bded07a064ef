/// A job that runs beside the thread that began it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <utility>

namespace multipl_moe {

/// Runs jobs in a thread of their own, one at a time. The destructor waits for the last one; what that throws is lost.
class BackgroundJob {
 public:
  /// Waits for the last job and begins the next. Throws what the last one has thrown, and then begins none.
  void start(std::function<void()> job) {
    wait();
    running_ = std::async(std::launch::async, std::move(job));
  }
  /// Waits for the last job, which is then destroyed. Throws what it has thrown, once.
  void wait() {
    if (running_.valid()) running_.get();
  }
  /// As wait(), but does not wait for a job that still runs.
  void check() {
    using namespace std::chrono_literals;
    if (running_.valid() && running_.wait_for(0s) == std::future_status::ready) running_.get();
  }

 private:
  std::future<void> running_;
};

}  // namespace multipl_moe
