/// The accelerator's elementwise operations and sums on the emulated device, compared with plain loops.
#include "moe/backend/cuda/elementwise.cuh"

#include "backend/cuda/on_device.hpp"
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

TEST_CASE("for_each_on_host runs each task once", "[accelerator]") {
  std::vector<int> runs(5);
  A::for_each_on_host(context(), 5, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
  CHECK(runs == std::vector<int>(5, 1));
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
    CHECK(A::sum_of_squares(context(), x_there.view()) == Catch::Approx(squares).epsilon(1e-13));
  }
}

}  // namespace elementwise_test
