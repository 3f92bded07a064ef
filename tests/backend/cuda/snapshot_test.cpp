/// Snapshots of tensors of the emulated device, whose copies are made as late as is allowed.
#include "moe/train/snapshot.hpp"

#include <cstring>
#include <optional>
#include <thread>

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/offloaded_state.hpp"

namespace snapshot_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using A = Emulated;
using Bytes = std::vector<std::byte>;

/// Some tensors with values of their number.
struct Tensors {
  std::vector<Matrix<float, A>> all;
  Tensors() {
    for (const Index size : {5, 1, 0, 300}) all.push_back(Matrix<float, A>::zeros(context(), 1, size));
    add(1);
  }
  void add(float number) {
    for (auto& tensor : all)
      A::for_each(context(), tensor.size(), [number, x = tensor.data()](Index i) { x[i] += number; });
  }
  static std::vector<std::size_t> sizes() { return {20, 4, 0, 1200}; }
  void copy_to(Snapshot<A>& snapshot) const {
    for (std::size_t i = 0; i < all.size(); ++i) snapshot.copy(i, all[i].const_view());
  }
};
bool all_are(std::span<const std::byte> bytes, float number) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    if (value != number) return false;
  }
  return true;
}
void check_all_are(const Snapshot<A>::Reader& reader, float number) {
  const auto sizes = Tensors::sizes();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CHECK(reader.bytes(i).size() == sizes[i]);
    CHECK(all_are(reader.bytes(i), number));
  }
}

}  // namespace

TEST_CASE("a snapshot has the values at its beginning, whatever is computed after before_work", "[accelerator]") {
  Tensors tensors;
  Snapshot<A> snapshot(context(), Tensors::sizes());
  for (const float number : {1.0f, 2.0f}) {
    snapshot.begin();
    tensors.copy_to(snapshot);
    snapshot.before_work();
    tensors.add(1);
    check_all_are(snapshot.finish(), number);
  }
}

TEST_CASE("work that does not wait for a snapshot is found on the emulated device", "[accelerator]") {
  Tensors tensors;
  Snapshot<A> snapshot(context(), Tensors::sizes());
  snapshot.begin();
  tensors.copy_to(snapshot);
  tensors.add(1);
  CHECK_THROWS_WITH(snapshot.finish(), ContainsSubstring("was written before it was copied"));
}

TEST_CASE("a snapshot belongs to its reader until that is destroyed, on any thread", "[accelerator]") {
  Tensors tensors;
  std::optional<Snapshot<A>> snapshot(std::in_place, context(), Tensors::sizes());
  const auto take = [&] {
    snapshot->begin();
    tensors.copy_to(*snapshot);
    snapshot->before_work();
    return snapshot->finish();
  };
  std::optional<Snapshot<A>::Reader> reader(take());
  const auto is_read = "[Snapshot] the last snapshot is still read: wait for its writer before the next one";
  CHECK_THROWS_WITH(snapshot->begin(), is_read);
  tensors.add(1);
  check_all_are(*reader, 1);
  Snapshot<A>::Reader moved(std::move(*reader));
  reader.reset();
  CHECK_THROWS_WITH(snapshot->begin(), is_read);
  bool is_right = false;
  std::thread([&is_right, own = std::move(moved)] { is_right = all_are(own.bytes(3), 1); }).join();
  CHECK(is_right);
  auto last = take();
  snapshot.reset();
  check_all_are(last, 2);
}

TEST_CASE("a snapshot refuses what it is not made for", "[accelerator][misuse]") {
  Tensors tensors;
  Snapshot<A> snapshot(context(), Tensors::sizes());
  const auto begin = "[Snapshot] call begin() first, once for each snapshot";
  CHECK_THROWS_WITH(snapshot.place(0), begin);
  CHECK_THROWS_WITH(snapshot.copy(0, tensors.all[0].const_view()), begin);
  CHECK_THROWS_WITH(snapshot.finish(), begin);
  snapshot.begin();
  CHECK_THROWS_WITH(snapshot.place(4), "[Snapshot] it has 4 tensors, got number 4");
  CHECK_THROWS_WITH(snapshot.copy(0, tensors.all[1].const_view()),
                    "[Snapshot] tensor 0 must be contiguous and of 20 bytes, got 4");
  const View<const float, A> strided(tensors.all[3].data(), 5, 1, 3);
  CHECK_THROWS_WITH(snapshot.copy(0, strided), "[Snapshot] tensor 0 must be contiguous and of 20 bytes, got 20");
  const auto reader = snapshot.finish();
  CHECK_THROWS_WITH(reader.bytes(4), "[Snapshot] it has 4 tensors, got number 4");
  CHECK_THROWS_WITH(snapshot.place(0), begin);
  CHECK_THROWS_WITH(snapshot.finish(), begin);
}

TEST_CASE("a snapshot requests memory when it is made, and not later", "[accelerator]") {
  Tensors tensors;
  for (long n = 0; n < 3; ++n) {
    DeviceMemory::get().fail_after = n;
    CHECK_THROWS_AS(Snapshot<A>(context(), Tensors::sizes()), PinnedOutOfMemory);
  }
  DeviceMemory::get().fail_after = -1;
  Snapshot<A> snapshot(context(), Tensors::sizes());
  DeviceMemory::get().fail_after = 0;
  snapshot.begin();
  tensors.copy_to(snapshot);
  const auto reader = snapshot.finish();
  CHECK(std::exchange(DeviceMemory::get().fail_after, -1) == 0);
  check_all_are(reader, 1);
}

TEST_CASE("training on beside a snapshot changes neither of them, and offloaded state is copied too", "[accelerator]") {
  using Offload = AdamWState<A, BFloat16, MasterWeights::split, Offloaded>;
  const auto trained = [](bool takes_snapshots) {
    auto layer = layer_to_offload<BFloat16, A>(context());
    const auto gradient = gradient_of_step(context(), layer, 1);
    Offload state(context(), layer, gradient, 9, {.piece = 64});
    std::vector<std::size_t> sizes;
    for_each_tensor(
        [&](const auto& weight) {
          using Value = typename std::remove_cvref_t<decltype(weight)>::Value;
          sizes.push_back(static_cast<std::size_t>(weight.size()) * sizeof(Value));
        },
        layer);
    const std::size_t weights = sizes.size();
    for_each_part(state, [&](std::size_t, Offload::Part, std::size_t size) { sizes.push_back(size); });
    Snapshot<A> snapshot(context(), sizes);
    for (Index step = 1; step <= 4; ++step) {
      AdamW{}.step(context(), 1e-2, step, 1, layer, gradient, state);
      if (!takes_snapshots) continue;
      const auto of_weights = bytes_of_weights(context(), layer);
      const auto of_state = bytes_of_state(context(), state);
      snapshot.begin();
      std::size_t next = 0;
      for_each_tensor([&](const auto& weight) { snapshot.copy(next++, weight.const_view()); }, layer);
      for_each_part(state, [&](std::size_t tensor, Offload::Part part, std::size_t) {
        state.read(context(), tensor, part, 0, snapshot.place(next++));
      });
      snapshot.before_work();
      AdamW{}.step(context(), 1e-2, ++step, 1, layer, gradient, state);
      const auto reader = snapshot.finish();
      Bytes seen;
      for (std::size_t i = 0; i < weights; ++i) seen.insert(seen.end(), reader.bytes(i).begin(), reader.bytes(i).end());
      CHECK(seen == of_weights);
      for (std::size_t i = 0; i < of_state.size(); ++i)
        CHECK(std::equal(of_state[i].begin(), of_state[i].end(), reader.bytes(weights + i).begin(),
                         reader.bytes(weights + i).end()));
    }
    return Trained{bytes_of_weights(context(), layer), bytes_of_state(context(), state)};
  };
  const auto expected = trained(false);
  CHECK((trained(true) == expected));
}

}  // namespace snapshot_test
