/// Snapshots of tensors in host memory, whose copies are made at once.
#include "moe/train/snapshot.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/matrix.hpp"
#include "support/catch.hpp"

namespace host_snapshot_test {

using namespace moe;

namespace {

using B = Cpu<>;
const B::Context context;

std::vector<float> floats_of(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

TEST_CASE("a snapshot of tensors in host memory keeps their values, for a thread that outlives it") {
  Matrix<float, B> tensor(1, 3), empty;
  std::copy_n(std::array{1.0f, 2.0f, 3.0f}.data(), 3, tensor.data());
  std::optional<Snapshot<B>> snapshot(std::in_place, context, std::array<std::size_t, 2>{12, 0});
  snapshot->begin();
  snapshot->copy(0, tensor.const_view());
  snapshot->copy(1, empty.const_view());
  auto reader = snapshot->finish();
  tensor.data()[1] = 7;
  std::vector<float> read, none{1};
  std::thread writer([&, reader = std::move(reader)] {
    read = floats_of(reader.bytes(0));
    none = floats_of(reader.bytes(1));
  });
  snapshot.reset();
  writer.join();
  CHECK(read == std::vector{1.0f, 2.0f, 3.0f});
  CHECK(none.empty());
}

TEST_CASE("the memory of a snapshot on the host is used again when it is no longer read", "[misuse]") {
  Matrix<float, B> tensor(1, 1);
  Snapshot<B> snapshot(context, std::array<std::size_t, 1>{4});
  for (const float value : {1.0f, 2.0f}) {
    tensor.data()[0] = value;
    snapshot.begin();
    snapshot.copy(0, tensor.const_view());
    const auto reader = snapshot.finish();
    CHECK_THROWS_AS(snapshot.begin(), Error);
    CHECK(floats_of(reader.bytes(0)) == std::vector{value});
  }
  CHECK_THROWS_AS(snapshot.copy(0, tensor.const_view()), Error);
  snapshot.begin();
  CHECK_THROWS_AS(snapshot.copy(1, tensor.const_view()), Error);
}

}  // namespace host_snapshot_test
