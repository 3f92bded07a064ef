#include "multipl_moe/benchmark/for_each_in_slots.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace multipl_moe::benchmark {

void for_each_in_slots(std::size_t count, int jobs, const std::function<bool(std::size_t i, int slot)>& work) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> goes_on = true;
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto run_slot = [&](int slot) {
    try {
      for (std::size_t i; goes_on && (i = next++) < count;)
        if (!work(i, slot)) goes_on = false;
    } catch (...) {
      goes_on = false;
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  };
  // They are joined when a further one cannot start.
  std::vector<std::jthread> threads;
  const auto most = static_cast<int>((std::min)(count, static_cast<std::size_t>(jobs)));
  for (int slot = 1; slot < most; ++slot) threads.emplace_back(run_slot, slot);
  run_slot(0);
  threads.clear();
  if (error) std::rethrow_exception(error);
}

}  // namespace multipl_moe::benchmark
