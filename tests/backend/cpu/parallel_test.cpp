#include "moe/backend/cpu/parallel.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "moe/core/workers.hpp"
#include "support/catch.hpp"

namespace parallel_test {

using namespace moe;

namespace {

/// The members of a context that parallel uses.
struct Threads {
  int threads;
  std::shared_ptr<Workers> workers = std::make_shared<Workers>();
};

}  // namespace

TEST_CASE("every task runs once, for any number of threads", "[cpu]") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads context{threads};
    for (const Index count : {0, 1, 2, 7, 100}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
      cpu::parallel(context, count, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
      for (const auto& n : runs) CHECK(n == 1);
    }
  }
}

TEST_CASE("tiles cover every item once and depend only on the number of items", "[cpu]") {
  for (const Index count : {0, 1, 31, 32, 33, 100}) {
    const auto tiles = [&](int threads) {
      std::vector<std::atomic<Index>> end_of(static_cast<std::size_t>(count) + 1);
      cpu::parallel_tiles(Threads{threads}, count, 32,
                          [&](Index begin, Index end) { end_of[static_cast<std::size_t>(begin)] = end; });
      return std::vector<Index>(end_of.begin(), end_of.end());
    };
    const auto serial = tiles(1);
    CHECK(tiles(4) == serial);
    Index at = 0;
    while (at < count) {
      REQUIRE(serial[static_cast<std::size_t>(at)] > at);
      at = serial[static_cast<std::size_t>(at)];
    }
    CHECK(at == count);
  }
}

TEST_CASE("an exception of a task reaches the caller, and the next call works", "[cpu]") {
  for (const int threads : {1, 2, 4}) {
    const Threads context{threads};
    CHECK_THROWS_WITH(cpu::parallel(context, 100,
                                    [](Index i) {
                                      if (i % 10 == 3) throw std::runtime_error("task");
                                    }),
                      "task");
    std::atomic<int> runs = 0;
    cpu::parallel(context, 100, [&](Index) { ++runs; });
    CHECK(runs == 100);
  }
}

TEST_CASE("a task may itself start tasks", "[cpu]") {
  const Threads context{2};
  std::atomic<int> runs = 0;
  cpu::parallel(context, 4, [&](Index) { cpu::parallel(context, 5, [&](Index) { ++runs; }); });
  CHECK(runs == 20);
  CHECK(available_threads() >= 1);
}

TEST_CASE("no two tasks that run at the same time have the same worker number", "[cpu]") {
  const Threads context{4};
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> shared{false}, out_of_range{false};
  cpu::parallel(context, 400, [&](Index, Index worker) {
    // Every helper that was started gets a task meanwhile.
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    if (worker < 0 || worker >= 4) {
      out_of_range = true;
      return;
    }
    auto& mine = busy[static_cast<std::size_t>(worker)];
    if (++mine != 1) shared = true;
    // A nested job has its own worker numbers and only one worker.
    cpu::parallel(context, 3, [&](Index, Index inner) {
      if (inner != 0) out_of_range = true;
    });
    --mine;
  });
  CHECK_FALSE(shared);
  CHECK_FALSE(out_of_range);
}

}  // namespace parallel_test
