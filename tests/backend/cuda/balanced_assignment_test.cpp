/// BalancedAssignment on the emulated device, compared with the CPU.
#include "moe/routing/router/balanced_assignment.hpp"

#include <cmath>
#include <limits>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"

namespace balanced_assignment_on_device_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Compares device A with the CPU.
template <class A, class Real>
void check_assignments(std::uint32_t cases) {
  const CpuContext cpu{.threads = 1};
  const typename A::Context device;
  for (std::uint32_t i = 0; i < cases; ++i) {
    Draw draw("assignment on a device", i);
    // From 33 rows on, rows also bid at the same prices.
    const Index experts = draw.between(1, 9), rows = draw.between(0, i % 2 == 0 ? 32 : 150),
                take = (rows + experts - 1) / experts + draw.between(0, 2);
    auto z = random_matrix<Real, Cpu<>>(draw, rows, experts);
    for (Index c = 0; c < z.size(); ++c) {
      if (i % 3 == 0) z.data()[c] = std::round(z.data()[c]);
      if (i % 4 == 1 && draw.one_in(20)) z.data()[c] = std::numeric_limits<Real>::quiet_NaN();
      if (i % 5 == 0 && draw.one_in(20)) z.data()[c] = -std::numeric_limits<Real>::infinity();
      if (i % 7 < 3 && c % experts == 0) z.data()[c] += 2;
    }
    const BalancedAssignment router{.step = 0.005, .most_rounds = i % 7 == 0 ? 2 : 2000};
    Matrix<ChoiceOrder, Cpu<>> chosen(rows, experts);
    Matrix<Real, Cpu<>> prices(1, experts);
    const Index bids = router.choose<Cpu<>, Real>(cpu, z.const_view(), take, chosen.view(), prices.view());

    auto z_there = Matrix<Real, A>::uninitialized(device, rows, experts);
    A::upload(device, z.data(), z_there.view());
    auto chosen_there = Matrix<ChoiceOrder, A>::uninitialized(device, rows, experts);
    auto prices_there = Matrix<Real, A>::uninitialized(device, 1, experts);
    const Index bids_there =
        router.choose<A, Real>(device, z_there.const_view(), take, chosen_there.view(), prices_there.view());
    Matrix<ChoiceOrder, Cpu<>> fetched_chosen(rows, experts);
    Matrix<Real, Cpu<>> fetched_prices(1, experts);
    A::download(device, chosen_there.const_view(), fetched_chosen.data());
    A::download(device, prices_there.const_view(), fetched_prices.data());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(bids == bids_there);
    CHECK(same_bits(chosen, fetched_chosen));
    CHECK(same_bits(prices, fetched_prices));
  }
}

}  // namespace

TEST_CASE("a device assigns rows as the CPU does, with ties, NaN and the limit of bids", "[accelerator]") {
  check_assignments<Emulated, float>(60);
  check_assignments<Emulated, double>(30);
}

#ifndef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers report as an error.
TEST_CASE("a device with several lanes per row assigns rows as the CPU does", "[accelerator]") {
  check_assignments<EmulatedWarps, float>(30);
  check_assignments<EmulatedWarps, double>(15);
  const WithLanes lanes(32);
  check_assignments<EmulatedWarps, float>(15);
}
#endif

}  // namespace balanced_assignment_on_device_test
