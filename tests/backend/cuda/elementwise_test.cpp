/// The accelerator's elementwise operations and sums on the emulated device, compared with plain loops.
#include "moe/backend/cuda/elementwise.cuh"

#include <atomic>
#include <cmath>
#include <thread>

#include "backend/cuda/on_device.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace elementwise_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("for_each_on_host runs each task once, on the context's host threads", "[accelerator]") {
  A::Context own;
  own.threads = 3;
  std::vector<int> runs(5);
  A::for_each_on_host(own, 5, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
  CHECK(runs == std::vector<int>(5, 1));
  // Every task waits for the others, so that each has a thread of its own.
  std::atomic<int> met = 0;
  A::for_each_on_host(own, 3, [&](Index) {
    ++met;
    while (met < 3) std::this_thread::yield();
  });
  CHECK(met == 3);
}

TEST_CASE("drawn weights do not depend on the number of host threads and are those of the CPU", "[accelerator]") {
  const auto drawn_by = [](int threads) {
    A::Context own;
    own.threads = threads;
    auto weight = Matrix<float, A>::uninitialized(own, 130, 300);
    draw_normal(own, weight, 5, "w", 0.1);
    return fetched(weight);
  };
  Matrix<float, Cpu<>> here(130, 300);
  draw_normal(CpuContext{.threads = 1}, here, 5, "w", 0.1);
  CHECK(drawn_by(1) == listed(here));
  CHECK(drawn_by(3) == listed(here));
}

TEST_CASE("the host waits once for the norm of all tensors", "[accelerator]") {
  const A::Context own;
  SwiGlu<float, A> gradient(70, 5);
  initialize(own, gradient, 3, 0.5);
  gradient.up_proj = {};
  double squares = 0;
  for (const auto* tensor : {&gradient.gate_proj, &gradient.down_proj})
    for (const float value : fetched(*tensor)) squares += static_cast<double>(value) * static_cast<double>(value);
  const long waits = own.device->waits;
  CHECK(global_norm(own, gradient) == Catch::Approx(std::sqrt(squares)).epsilon(1e-13));
  CHECK(own.device->waits == waits + 1);
  CHECK(global_norm(own, SwiGlu<float, A>{}) == 0);
}

TEST_CASE("column sums and sums of squares on the accelerator equal those of plain loops", "[accelerator]") {
  Draw draw("sums");
  for (const Index rows : {0, 1, 63, 65, 5000}) {
    const auto x = random_matrix<double, Cpu<>>(draw, rows, 3);
    auto sums = random_matrix<double, Cpu<>>(draw, 1, 3);
    auto sums_there = sent(sums);
    const auto x_there = sent(x);
    double squares = 0;
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < 3; ++c) sums.data()[c] += x.view()(r, c), squares += x.view()(r, c) * x.view()(r, c);
    A::add_column_sums(context(), x_there, sums_there.view());
    CHECK(relative_deviation(values_of(sums), fetched(sums_there)) < 1e-13);
    auto sum = Matrix<double, A>::uninitialized(context(), 1, 1);
    A::sum_of_squares(context(), x_there.view(), sum.view());
    CHECK(fetched(sum)[0] == Catch::Approx(squares).epsilon(1e-13));
  }
}

}  // namespace elementwise_test
