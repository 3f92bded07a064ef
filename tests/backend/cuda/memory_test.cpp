/// The accelerator's memory on a device that needs no GPU, against plain loops and the CPU's.
#include "moe/backend/cuda/memory.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace memory_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("rows of a view with gaps go to the device and back", "[accelerator]") {
  auto whole = Matrix<float, A>::zeros(context(), 3, 5);
  const auto part = whole.view().cols_between(1, 3);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  A::upload(context(), values.data(), part);
  CHECK(fetched(View<const float, A>(part)) == values);
  CHECK(fetched(whole) == std::vector<float>{0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 5, 6, 0, 0});
}

TEST_CASE("the host that reads the device's memory is stopped", "[accelerator]") {
  // What all the other tests rest on: that nobody reads it unnoticed.
  const auto x = Matrix<float, A>::zeros(context(), 1, 1);
  CHECK(DeviceMemory::get().owns(x.data()));
  CHECK(DeviceMemory::get().is_closed());
}

}  // namespace memory_test
