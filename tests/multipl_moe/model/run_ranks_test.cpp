#include "multipl_moe/model/run_ranks.hpp"

#include <chrono>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/local_comm.hpp"
#include "moe/comm/ranks_over.hpp"
#include "support/catch.hpp"

namespace run_ranks_test {

using namespace multipl_moe;
using namespace std::chrono_literals;

namespace {

/// An engine that keeps the limits that it is given.
struct Noting : moe::LocalComm {
  std::vector<std::chrono::milliseconds>* given;

  explicit Noting(std::vector<std::chrono::milliseconds>& list) : given(&list) {}
  void set_timeout(std::chrono::milliseconds time) { given->push_back(time); }
  Noting split(int /*color*/, int /*key*/) { return *this; }
};

std::vector<std::chrono::milliseconds> given_with(const RankWaits& waits) {
  std::vector<std::chrono::milliseconds> given;
  const RunRanks ranks(moe::ranks_over<moe::Cpu<>>(Noting(given)));
  const LongerWait wait(&ranks, waits);
  return given;
}

}  // namespace

TEST_CASE("a longer wait ends with its object", "[ranks]") {
  std::vector<std::chrono::milliseconds> given;
  const RunRanks ranks(moe::ranks_over<moe::Cpu<>>(Noting(given)));
  {
    const LongerWait wait(&ranks, {.usual = 3s, .longer = 50s});
    CHECK(given == std::vector<std::chrono::milliseconds>{50s});
  }
  CHECK(given == std::vector<std::chrono::milliseconds>{50s, 3s});
  const LongerWait alone(nullptr, {});
  CHECK(given.size() == 2);
}

TEST_CASE("a longer wait is never shorter than the usual one", "[ranks]") {
  CHECK(given_with({}).front() == 1800s);
  CHECK(given_with({.usual = 3000s}).front() == 3000s);
  // No limit is the longest.
  CHECK(given_with({.usual = 0s}).front() == 0s);
}

}  // namespace run_ranks_test
