/// Optimizer state in pinned host memory on the emulated device, whose copies are made as late as is allowed, compared
/// with state in the memory of the device.
#include "moe/train/state_place.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "backend/cuda/on_device.hpp"
#include "moe/ops/linear.hpp"
#include "support/catch.hpp"
#include "support/offloaded_state.hpp"

namespace state_place_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;
using Split = AdamWState<A, BFloat16, MasterWeights::split, Offloaded>;
constexpr Offloaded in_pieces{.piece = 64};

template <class Value, class Moment, MasterWeights master>
void check_equal_bits() {
  const auto expected = trained_in<Value, A, AdamWState<A, Moment, master>>(context(), {});
  using State = AdamWState<A, Moment, master, Offloaded>;
  for (const Index piece : {Index{64}, Index{192}, Offloaded{}.piece}) {
    INFO("pieces of " << piece);
    CHECK((trained_in<Value, A, State>(context(), {.piece = piece}) == expected));
  }
}

/// A layer in bfloat16 and its offloaded state after one step.
struct Training {
  decltype(layer_to_offload<BFloat16, A>(context())) layer = layer_to_offload<BFloat16, A>(context());
  decltype(gradient_of_step(context(), layer, 0)) gradient = gradient_of_step(context(), layer, 1);
  Split state{context(), layer, gradient, 9, in_pieces};
  Training() { step(1); }
  void step(Index number) { AdamW{}.step(context(), 1e-2, number, 1, layer, gradient, state); }
  Trained bytes() const { return {bytes_of_weights(context(), layer), bytes_of_state(context(), state)}; }
};

}  // namespace

TEST_CASE("offloaded state of a layer in float has the bits of resident state", "[accelerator]") {
  check_equal_bits<float, float, MasterWeights::float32>();
  check_equal_bits<float, BFloat16, MasterWeights::float32>();
  check_equal_bits<float, float, MasterWeights::split>();
  check_equal_bits<float, BFloat16, MasterWeights::split>();
  check_equal_bits<float, float, MasterWeights::bfloat16>();
  check_equal_bits<float, BFloat16, MasterWeights::bfloat16>();
  check_equal_bits<double, double, MasterWeights::float32>();
}

TEST_CASE("offloaded state of a layer in bfloat16 has the bits of resident state", "[accelerator]") {
  check_equal_bits<BFloat16, float, MasterWeights::split>();
  check_equal_bits<BFloat16, BFloat16, MasterWeights::split>();
  check_equal_bits<BFloat16, float, MasterWeights::bfloat16>();
  check_equal_bits<BFloat16, BFloat16, MasterWeights::bfloat16>();
}

TEST_CASE("offloaded state has the bits of resident state when a step has fewer tensors than the last one",
          "[accelerator]") {
  const auto bias_after = [](auto place) {
    auto layer = Linear<float, A>::with_bias(3, 5);
    AdamWState<A, float, MasterWeights::float32, decltype(place)> state(context(), layer, gradient_for(layer), 9,
                                                                        place);
    const auto step = [&](Index number, bool with_weight) {
      auto gradient = gradient_for(layer, [&](const std::string& name) { return with_weight || name == "bias"; });
      if (with_weight) draw_normal(context(), gradient.weight, 1, "weight", 1);
      draw_normal(context(), gradient.bias, static_cast<std::uint64_t>(number), "bias", 1);
      AdamW{}.step(context(), 1e-2, number, 1, layer, gradient, state);
    };
    // The bias is copied to the host last in the first step, and to the device first in the second one.
    step(1, true);
    step(2, false);
    return Trained{bytes_of_weights(context(), layer), bytes_of_state(context(), state)};
  };
  CHECK((bias_after(Offloaded{}) == bias_after(Resident{})));
}

TEST_CASE("a step of offloaded state requests no memory, and the host does not wait", "[accelerator]") {
  Training training;
  const long waits = context().device->waits;
  DeviceMemory::get().fail_after = 0;
  training.step(2);
  CHECK(std::exchange(DeviceMemory::get().fail_after, -1) == 0);
  CHECK(context().device->waits == waits);
}

TEST_CASE("offloaded state takes device memory for three pieces", "[accelerator]") {
  auto layer = layer_to_offload<BFloat16, A>(context());
  const auto gradient = gradient_of_step(context(), layer, 1);
  for (const Index piece : {64, 128, 1 << 20}) {
    const std::size_t before = DeviceMemory::get().live_bytes();
    const Split state(context(), layer, gradient, 9, {.piece = piece});
    // Two moments and the lower halves, 2 bytes each, each in a block of a multiple of 256 bytes; the largest tensor
    // has 299 values.
    const std::size_t block = piece <= 128 ? 256 : 768;
    CHECK(DeviceMemory::get().live_bytes() - before == 3 * 3 * block);
  }
}

TEST_CASE("the values of offloaded state are in the host's memory after a wait, and not before", "[accelerator]") {
  Training training;
  // Of the last tensor, whose copies nothing else has to follow.
  const auto of_last = [&] {
    const auto& m = training.state.tensors().back().m;
    return std::vector<std::byte>(reinterpret_cast<const std::byte*>(m.data()),
                                  reinterpret_cast<const std::byte*>(m.data() + m.size()));
  };
  const auto early = of_last();
  training.state.wait();
  const auto late = of_last();
  CHECK(early != late);
  CHECK(training.bytes().state[27] == late);
}

TEST_CASE("offloaded state that is written continues as the state that was read", "[accelerator]") {
  Training training, other;
  const auto weights = training.bytes().weights;
  const auto parts = training.bytes().state;
  training.step(2);
  const auto expected = training.bytes();
  other.step(2);
  other.step(3);
  for_each_tensor([&](const auto& from, auto& to) { convert(context(), from.view(), to.view()); }, Training().layer,
                  other.layer);
  REQUIRE(bytes_of_weights(context(), other.layer) == weights);
  std::size_t next = 0;
  for_each_part(other.state, [&](std::size_t tensor, Split::Part part, std::size_t size) {
    const std::span<const std::byte> bytes(parts[next++]);
    REQUIRE(bytes.size() == size);
    if (size == 0) return;
    // In two pieces, the second one from value 7 on.
    other.state.write(context(), tensor, part, 0, bytes.first(14));
    other.state.write(context(), tensor, part, 7, bytes.subspan(14));
  });
  other.step(2);
  CHECK((other.bytes() == expected));
}

TEST_CASE("a part of a tensor is read where it begins", "[accelerator]") {
  const auto check = [](const auto& state) {
    using Part = typename std::remove_cvref_t<decltype(state)>::Part;
    std::vector<std::byte> whole(static_cast<std::size_t>(state.tensors()[1].v.size()) * 2), part(20);
    state.read(context(), 1, Part::v, 0, whole);
    state.read(context(), 1, Part::v, 100, part);
    CHECK(std::memcmp(part.data(), whole.data() + 200, 20) == 0);
  };
  Training training;
  check(training.state);
  AdamWState<A, BFloat16, MasterWeights::split> resident(context(), training.layer, training.gradient);
  AdamW{}.step(context(), 1e-2, 1, 1, training.layer, training.gradient, resident);
  check(resident);
}

TEST_CASE("reads and writes of an optimizer state refuse what it does not have", "[accelerator][misuse]") {
  Training training;
  alignas(8) std::byte bytes[16] = {};
  const auto read = [&](std::size_t tensor, Index first, std::span<std::byte> to) {
    training.state.read(context(), tensor, Split::Part::m, first, to);
  };
  CHECK_THROWS_WITH(read(10, 0, bytes), "[AdamWState] the state has 10 tensors, got number 10");
  CHECK_THROWS_WITH(read(0, 32, bytes), "[AdamWState::read] the tensor has 39 values, got 8 from number 32");
  CHECK_THROWS_WITH(read(0, -1, bytes), "[AdamWState::read] the tensor has 39 values, got 8 from number -1");
  CHECK_THROWS_WITH(training.state.write(context(), 0, Split::Part::v, 40, bytes),
                    "[AdamWState::write] the tensor has 39 values, got 8 from number 40");
  const std::string whole = "[AdamWState::read] the bytes must be whole values of 2 bytes, aligned for them, got ";
  CHECK_THROWS_WITH(read(0, 0, std::span(bytes).first(3)), whole + "3");
  CHECK_THROWS_WITH(read(0, 0, std::span(bytes).subspan(1, 2)), whole + "2");
  CHECK_NOTHROW(read(0, 31, bytes));
  CHECK_NOTHROW(read(0, 39, {}));
}

TEST_CASE("a step that is refused touches neither weights nor offloaded state", "[accelerator][misuse]") {
  Training training;
  const auto before = training.bytes();
  const auto step = [&](const A::Context& with, double rate, const auto& gradient) {
    AdamW{}.step(with, rate, 2, 1, training.layer, gradient, training.state);
  };
  CHECK_THROWS_AS(step(context(), std::numeric_limits<double>::quiet_NaN(), training.gradient), Error);
  auto other = layer_to_offload<BFloat16, A>(context(), 13, 24);
  CHECK_THROWS_AS(step(context(), 1e-2, gradient_of_step(context(), other, 1)), Error);
  CHECK_THROWS_WITH(step(A::Context(), 1e-2, training.gradient),
                    "[AdamWState] an optimizer state in pinned host memory must be used on the stream that it was made "
                    "on");
  CHECK((training.bytes() == before));
}

TEST_CASE("pieces of a size that is no positive multiple of 64 are refused", "[accelerator][misuse]") {
  auto layer = layer_to_offload<BFloat16, A>(context());
  const auto gradient = gradient_of_step(context(), layer, 1);
  const auto before = bytes_of_weights(context(), layer);
  for (const Index piece : {0, -64, 100})
    CHECK_THROWS_WITH(Split(context(), layer, gradient, 9, {.piece = piece}),
                      "[Offloaded] pieces must be of a positive multiple of 64 values, got " + std::to_string(piece));
  CHECK(bytes_of_weights(context(), layer) == before);
}

TEST_CASE("three slots of the largest tensor, rounded up to 64 values, or of a piece are on the device",
          "[accelerator]") {
  CHECK(Offloaded{.piece = 128}.values_of_slot(64) == 64);
  CHECK(Offloaded{.piece = 128}.values_of_slot(65) == 128);
  CHECK(Offloaded{.piece = 128}.values_of_slot(1000) == 128);
  auto layer = layer_to_offload<BFloat16, A>(context());
  const auto gradient = gradient_of_step(context(), layer, 1);
  const std::size_t before = DeviceMemory::get().live_bytes();
  const AdamWState<A, float, MasterWeights::bfloat16, Offloaded> state(context(), layer, gradient, 9);
  // Both moments of 13 x 23 values in float32, in 320 values.
  CHECK(DeviceMemory::get().live_bytes() - before == 3 * 2 * 4 * 320);
}

TEST_CASE("an allocation that fails leaves the weights as they were, and the next attempt works", "[accelerator]") {
  auto layer = layer_to_offload<float, A>(context());
  const auto gradient = gradient_of_step(context(), layer, 1);
  const auto before = bytes_of_weights(context(), layer);
  const std::size_t live = DeviceMemory::get().live();
  using State = AdamWState<A, BFloat16, MasterWeights::split, Offloaded>;
  State state;
  int failed = 0;
  for (long n = 0; state.tensors().empty(); ++n) {
    DeviceMemory::get().fail_after = n;
    try {
      state = State(context(), layer, gradient, 9, in_pieces);
    } catch (const std::bad_alloc&) {
      ++failed;
      DeviceMemory::get().fail_after = -1;
      REQUIRE(bytes_of_weights(context(), layer) == before);
      REQUIRE(DeviceMemory::get().live() == live);
    }
  }
  DeviceMemory::get().fail_after = -1;
  // Three tensors in pinned memory for each of 10 weights, and three in each of three slots.
  CHECK(failed == 30 + 9);
  AdamW{}.step(context(), 1e-2, 1, 1, layer, gradient, state);
  auto same = layer_to_offload<float, A>(context());
  AdamWState<A, BFloat16, MasterWeights::split> resident(context(), same, gradient, 9);
  AdamW{}.step(context(), 1e-2, 1, 1, same, gradient, resident);
  CHECK(bytes_of_weights(context(), layer) == bytes_of_weights(context(), same));
  CHECK((bytes_of_state(context(), state) == bytes_of_state(context(), resident)));
}

TEST_CASE("an offloaded state may be replaced and freed while it is copied", "[accelerator]") {
  Training training;
  training.state = Split(context(), training.layer, training.gradient, 9, in_pieces);
  training.step(1);
  Split moved(std::move(training.state));
  CHECK(training.state.tensors().empty());
  AdamW{}.step(context(), 1e-2, 2, 1, training.layer, training.gradient, moved);
  CHECK(moved.tensors().size() == 10);
}

TEST_CASE("an offloaded state of nothing that trains is empty", "[accelerator]") {
  auto layer = layer_to_offload<BFloat16, A>(context());
  const auto before = bytes_of_weights(context(), layer);
  const auto gradient = gradient_of_step(context(), layer, 1, {""});
  const std::size_t live = DeviceMemory::get().live();
  Split state(context(), layer, gradient);
  CHECK(DeviceMemory::get().live() == live);
  CHECK_NOTHROW(AdamW{}.step(context(), 1e-2, 1, 1, layer, gradient, state));
  CHECK(bytes_of_weights(context(), layer) == before);
}

}  // namespace state_place_test
