/// Copies to and from the memory of the emulated device, and its protection.
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

TEST_CASE("rows of a strided view are copied to the device and back", "[accelerator]") {
  auto whole = Matrix<float, A>::zeros(context(), 3, 5);
  const auto part = whole.view().cols_between(1, 3);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  A::upload(context(), values.data(), part);
  CHECK(fetched(View<const float, A>(part)) == values);
  CHECK(fetched(whole) == std::vector<float>{0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 5, 6, 0, 0});
}

TEST_CASE("the host cannot access the memory of the emulated device", "[accelerator]") {
  // All other tests rely on this: an access by the host would be fatal.
  const auto x = Matrix<float, A>::zeros(context(), 1, 1);
  CHECK(DeviceMemory::get().owns(x.data()));
  CHECK(DeviceMemory::get().is_closed());
}

}  // namespace memory_test
