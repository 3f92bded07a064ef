#include "multipl_moe/benchmark/for_each_in_slots.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>

#include "support/catch.hpp"

namespace for_each_in_slots_test {

using namespace multipl_moe::benchmark;

TEST_CASE("every piece of work is done once, each slot one at a time", "[benchmark][execution]") {
  for (const int jobs : {1, 2, 5}) {
    std::vector<std::atomic<int>> done(40), busy(5);
    std::atomic<bool> is_shared = false;
    for_each_in_slots(40, jobs, [&](std::size_t i, int slot) {
      if (busy[static_cast<std::size_t>(slot)]++ != 0 || slot >= jobs) is_shared = true;
      ++done[i];
      --busy[static_cast<std::size_t>(slot)];
      return true;
    });
    CHECK_FALSE(is_shared);
    for (const auto& count : done) CHECK(count == 1);
  }
  for_each_in_slots(0, 3, [](std::size_t, int) -> bool { throw std::logic_error("called"); });
}

TEST_CASE("work ends at the first false, and an exception reaches the caller", "[benchmark][execution]") {
  std::atomic<int> done = 0;
  for_each_in_slots(1000, 3, [&](std::size_t i, int) {
    ++done;
    return i < 10;
  });
  CHECK(done < 100);
  CHECK_THROWS_AS(for_each_in_slots(10, 3,
                                    [](std::size_t i, int) -> bool {
                                      if (i == 4) throw std::runtime_error("four");
                                      return true;
                                    }),
                  std::runtime_error);
}

}  // namespace for_each_in_slots_test
