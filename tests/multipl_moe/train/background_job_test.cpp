#include "multipl_moe/train/background_job.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"

namespace background_job_test {

using multipl_moe::BackgroundJob;
using namespace std::chrono_literals;

TEST_CASE("a job runs beside the thread that began it, and the next one begins after it") {
  std::atomic<int> running = 0, most = 0, done = 0;
  std::atomic<bool> may_end = false, is_own_thread = true;
  const auto begun_by = std::this_thread::get_id();
  BackgroundJob job;
  const auto work = [&] {
    is_own_thread = is_own_thread && std::this_thread::get_id() != begun_by;
    most = std::max(most.load(), ++running);
    while (!may_end) std::this_thread::sleep_for(1ms);
    --running, ++done;
  };
  job.start(work);
  CHECK(done == 0);
  // Does not wait for a job that still runs.
  job.check();
  CHECK(done == 0);
  may_end = true;
  job.start(work);
  CHECK(done >= 1);
  job.wait();
  CHECK(done == 2);
  CHECK(most == 1);
  CHECK(is_own_thread);
  job.wait();
  job.check();
}

TEST_CASE("what a job throws is thrown once, by the next call") {
  const auto fail = [] { throw std::runtime_error("disk is full"); };
  BackgroundJob job;
  job.start(fail);
  CHECK_THROWS_WITH(job.wait(), "disk is full");
  job.wait();
  job.start(fail);
  CHECK_THROWS_WITH(
      [&] {
        for (;;) job.check();
      }(),
      "disk is full");
  bool has_begun = false;
  job.start(fail);
  CHECK_THROWS_WITH(job.start([&] { has_begun = true; }), "disk is full");
  job.wait();
  CHECK_FALSE(has_begun);
}

TEST_CASE("a job that was waited for holds nothing, and one that was not is waited for") {
  const auto held = std::make_shared<int>(0);
  BackgroundJob job;
  job.start([held] {});
  job.wait();
  CHECK(held.use_count() == 1);
  bool has_ended = false;
  {
    BackgroundJob last;
    last.start([&] {
      std::this_thread::sleep_for(20ms);
      has_ended = true;
    });
  }
  CHECK(has_ended);
}

}  // namespace background_job_test
