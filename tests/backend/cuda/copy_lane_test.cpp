/// Copies beside the work of the emulated device, used rightly and wrongly.
#include <cstring>

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/check_copy_lane.hpp"
#include "support/emulated_device.hpp"

namespace copy_lane_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using A = Emulated;
using Device = A::Device;
constexpr std::size_t bytes = 4 * sizeof(float);

void add_one(const Matrix<float, A>& to, float* x) {
  A::for_each(context(), to.size(), [x](Index i) { x[i] += 1; });
}
std::vector<float> floats_of(Device::PinnedMemory& memory) {
  std::vector<float> values(4);
  std::memcpy(values.data(), memory.data(), bytes);
  return values;
}
void set(Device::PinnedMemory& memory, const std::vector<float>& values) {
  std::memcpy(memory.data(), values.data(), bytes);
}

}  // namespace

TEST_CASE("tensors on the host are stepped through slots of the device", "[accelerator]") {
  for (const Index tensors : {0, 1, 2, 3, 7})
    CHECK(wrong_values_stepped_from_the_host<A>(context(), tensors, 300) == 0);
}

TEST_CASE("work that does not wait for a copy to the device reads arbitrary bytes", "[accelerator]") {
  Device::PinnedMemory host(bytes);
  set(host, {1, 2, 3, 4});
  auto there = Matrix<float, A>::zeros(context(), 1, 4), seen = Matrix<float, A>::zeros(context(), 1, 4);
  auto lane = context().device->copy_lane();
  lane.copy_in(there.data(), host.data(), bytes);
  const auto look = [&] {
    A::for_each(context(), 4, [from = there.data(), to = seen.data()](Index i) { to[i] = from[i]; });
    return fetched(seen);
  };
  CHECK(look() != std::vector<float>{1, 2, 3, 4});
  lane.before_work();
  CHECK(look() == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("the host reads arbitrary bytes before it waits for a copy from the device", "[accelerator]") {
  Device::PinnedMemory host(bytes);
  set(host, {0, 0, 0, 0});
  const auto there = Matrix<float, A>::zeros(context(), 1, 4);
  auto lane = context().device->copy_lane();
  lane.copy_out(host.data(), there.data(), bytes);
  CHECK(floats_of(host) != std::vector<float>(4));
  lane.wait();
  CHECK(floats_of(host) == std::vector<float>(4));
}

TEST_CASE("a source that is written before it is copied is an error on the emulated device", "[accelerator]") {
  const auto message = ContainsSubstring("the source of a copy beside the work was written before it was copied");
  Device::PinnedMemory host(bytes);
  auto there = Matrix<float, A>::zeros(context(), 1, 4);
  auto lane = context().device->copy_lane();
  // By work after the copy was enqueued.
  lane.copy_out(host.data(), there.data(), bytes);
  add_one(there, there.data());
  CHECK_THROWS_WITH(lane.wait(), message);
  // By work that the lane did not wait for.
  add_one(there, there.data());
  lane.copy_out(host.data(), there.data(), bytes);
  CHECK_THROWS_WITH(lane.wait(), message);
  lane.after_work();
  lane.copy_out(host.data(), there.data(), bytes);
  CHECK_NOTHROW(lane.wait());
  CHECK(floats_of(host) == std::vector<float>(4, 2));
  // By the host.
  lane.copy_in(there.data(), host.data(), bytes);
  set(host, {1, 2, 3, 4});
  CHECK_THROWS_WITH(lane.before_work(), message);
}

TEST_CASE("copies of one lane that share memory follow each other", "[accelerator]") {
  Device::PinnedMemory old_values(bytes), new_values(bytes);
  set(new_values, {1, 2, 3, 4});
  auto slot = Matrix<float, A>::zeros(context(), 1, 4), other = Matrix<float, A>::zeros(context(), 1, 4);
  auto lane = context().device->copy_lane();
  lane.copy_out(old_values.data(), slot.data(), bytes);
  lane.copy_in(slot.data(), new_values.data(), bytes);
  lane.copy_in(other.data(), old_values.data(), bytes);
  lane.before_work();
  CHECK(floats_of(old_values) == std::vector<float>(4));
  CHECK(fetched(slot) == std::vector<float>{1, 2, 3, 4});
  CHECK(fetched(other) == std::vector<float>(4));
}

TEST_CASE("a lane is beside the work of the context that it was made with", "[accelerator]") {
  const A::Context other;
  const auto lane = A::copy_lane(context());
  CHECK(lane.is_beside(context()));
  CHECK_FALSE(lane.is_beside(other));
}

TEST_CASE("pinned memory that cannot be had is an error that states the bytes", "[accelerator]") {
  DeviceMemory::get().fail_after = 0;
  CHECK_THROWS_WITH(Device::PinnedMemory(12345),
                    ContainsSubstring("[Cuda] out of pinned host memory: 12345 bytes were requested"));
  CHECK_NOTHROW(Device::PinnedMemory(12345));
}

TEST_CASE("copies beside the work need pinned memory", "[accelerator]") {
  std::vector<float> host(4);
  Device::PinnedMemory pinned(bytes);
  auto there = Matrix<float, A>::zeros(context(), 1, 4);
  auto lane = context().device->copy_lane();
  const auto message = ContainsSubstring("a copy beside the work needs pinned host memory");
  CHECK_THROWS_WITH(lane.copy_in(there.data(), host.data(), bytes), message);
  CHECK_THROWS_WITH(lane.copy_out(host.data(), there.data(), bytes), message);
  CHECK_THROWS_WITH(lane.copy_in(there.data(), pinned.data() + 4, bytes), message);
  CHECK_THROWS_WITH(lane.copy_in(host.data(), pinned.data(), bytes), ContainsSubstring("memory of the wrong side"));
}

}  // namespace copy_lane_test
