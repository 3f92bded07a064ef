#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "multipl_moe/model/rotary.hpp"
#include "support/catch.hpp"

namespace kept_rotary_table_test {

using namespace multipl_moe;

namespace {

const RotaryFrequencies turns{{0.5, 0.25, 0.1}, 2};

template <class Real>
bool is_right(const moe::Matrix<Real, moe::Cpu<>>& table_PC, moe::Index position) {
  const auto row = table_PC.view().row(position);
  const double angle = static_cast<double>(position) * 0.25;
  return row[1] == static_cast<Real>(2 * std::cos(angle)) && row[4] == static_cast<Real>(2 * std::sin(angle));
}

}  // namespace

TEST_CASE("a rotary table is made again, twice as long, when more positions are needed", "[model]") {
  const KeptRotaryTable<double, moe::Cpu<>> kept;
  const auto first = kept.covering({}, turns, 3);
  CHECK(first->rows() == 4);
  CHECK(first->cols() == 6);
  CHECK(kept.covering({}, turns, 4) == first);
  CHECK(kept.covering({}, turns, 0) == first);
  const auto second = kept.covering({}, turns, 5);
  CHECK(second->rows() == 8);
  CHECK(kept.covering({}, turns, 2) == second);
  // A pass that still uses the first table is not disturbed.
  for (moe::Index p = 0; p < 4; ++p) CHECK(is_right(*first, p));
  for (moe::Index p = 0; p < 8; ++p) CHECK(is_right(*second, p));
}

TEST_CASE("threads share a rotary table that grows", "[model]") {
  const KeptRotaryTable<float, moe::Cpu<>> kept;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (moe::Index count = 1; count < 600; count += 7)
        if (!is_right(*kept.covering({}, turns, count), count - 1)) ++wrong;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace kept_rotary_table_test
