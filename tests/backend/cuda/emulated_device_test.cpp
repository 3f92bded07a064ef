/// What the emulated device detects: each mistake is planted and found.
#include "support/emulated_device.hpp"

#include <new>
#include <string>
#include <type_traits>

#include "backend/cuda/on_device.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"

namespace emulated_device_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using A = Emulated;

/// A function with padding and without a state that matters.
struct Padded {
  char flag = 0;
  View<float, A> values;
  struct Policy {
  } policy{};
  void operator()(Index i) const { values(0, i) = 1; }
};

}  // namespace

TEST_CASE("a function for the device that refers to host memory is an error", "[accelerator]") {
  if (!finds_host_addresses) return;
  const auto found = ContainsSubstring("a function for the device refers to memory of the host");
  auto there = Matrix<float, A>::zeros(context(), 2, 4);
  const View<float, A> there_RD = there.view();
  std::vector<float> here(8);
  float* const pointer = here.data();
  const View<float, Cpu<>> here_RD(here.data(), 2, 4);
  // By a pointer, by a view, by reference, and by the name of a local variable.
  CHECK_THROWS_WITH(A::for_each(context(), 4, [=](Index i) { pointer[i] = 1; }), found);
  CHECK_THROWS_WITH(A::for_each_cell(context(), 2, 4, [=](Index r, Index c) { here_RD(r, c) = there_RD(r, c); }),
                    found);
  CHECK_THROWS_WITH(A::for_each_row(context(), 2, [&](Index r, A::Team) { there_RD(r, 0) = here[0]; }), found);
  CHECK_THROWS_WITH(A::for_each_element(context(), 4, [&](Index i) { there_RD(0, i) = 2; }), found);
  CHECK(here == std::vector<float>(8));
  CHECK_NOTHROW(A::for_each(context(), 4, [=](Index i) { there_RD(0, i) = 3; }));
  CHECK(fetched(there) == std::vector<float>{3, 3, 3, 3, 0, 0, 0, 0});
}

TEST_CASE("what the padding of a function happens to hold is no reference", "[accelerator]") {
  auto there = Matrix<float, A>::zeros(context(), 1, 4);
  float host = 0;
  alignas(Padded) std::byte bytes[sizeof(Padded)];
  for (std::size_t i = 0; i + sizeof(float*) <= sizeof(Padded); i += sizeof(float*)) new (bytes + i) float*(&host);
  auto* function = new (bytes) Padded;
  function->values = there.view();
  CHECK_NOTHROW(A::for_each(context(), 4, *function));
  CHECK(fetched(there) == std::vector<float>(4, 1));
}

TEST_CASE("the emulated device counts its bytes and has a capacity", "[accelerator][memory]") {
  DeviceMemory& memory = DeviceMemory::get();
  memory.forget_peak();
  const std::size_t before = memory.live_bytes();
  CHECK(memory.peak_bytes() == before);
  {
    const auto one = Matrix<float, A>::zeros(context(), 1, 64);
    const auto more = Matrix<float, A>::zeros(context(), 1, 65);
    CHECK(memory.live_bytes() == before + 256 + 512);
  }
  CHECK(memory.live_bytes() == before);
  CHECK(memory.peak_bytes() == before + 256 + 512);

  const std::size_t capacity = std::exchange(memory.capacity, before + 512);
  const auto message_of = [](Index values) {
    try {
      Matrix<float, A>::zeros(context(), 1, values);
    } catch (const DeviceOutOfMemory& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(message_of(128) == "none");
  CHECK_THAT(message_of(129), ContainsSubstring("out of device memory: 516 bytes were requested, 512 of"));
  memory.capacity = capacity;
  CHECK(message_of(129) == "none");
}

TEST_CASE("a step that needs its peak and no byte less fails one block below it, and leaks nothing",
          "[accelerator][memory]") {
  using Layer = CausalMultiPlMoe<float, A>;
  DeviceMemory& memory = DeviceMemory::get();
  const A::Context own;
  const Layer layer = make_multipl<Layer>({.width = 8, .hidden = 8, .token_experts = 3, .segment_experts = 2});
  const auto x_TD = Matrix<float, A>::zeros(own, 70, 8);
  const auto step = [&] {
    auto gradient = gradient_for(layer);
    auto run = layer.forward(own, x_TD, Batch::single(70));
    layer.backward(own, run.output, {}, std::move(run.saved), gradient);
  };
  const std::size_t live = memory.live();
  memory.forget_peak();
  step();
  const std::size_t peak = memory.peak_bytes(), capacity = std::exchange(memory.capacity, peak);
  CHECK_NOTHROW(step());
  memory.capacity = peak - 256;
  CHECK_THROWS_AS(step(), DeviceOutOfMemory);
  CHECK(memory.live() == live);
  memory.capacity = capacity;
  CHECK_NOTHROW(step());
}

}  // namespace emulated_device_test
