#include "multipl_moe/model/tensor_ref.hpp"

#include <cstring>
#include <numeric>
#include <utility>

#include "support/catch.hpp"

namespace tensor_ref_test {

using namespace multipl_moe;

namespace {

/// Values that only read and write reach, as on a device, and the pieces in which they were reached.
struct Device {
  std::vector<std::byte> values;
  std::vector<std::pair<std::size_t, std::size_t>> pieces;

  TensorRef ref() {
    return {.name = "w",
            .shape = {static_cast<std::int64_t>(values.size() / 4)},
            .bytes = values.size(),
            .read =
                [this](std::size_t first, std::span<std::byte> to) {
                  pieces.emplace_back(first, to.size());
                  std::memcpy(to.data(), values.data() + first, to.size());
                },
            .write =
                [this](std::size_t first, std::span<const std::byte> from) {
                  pieces.emplace_back(first, from.size());
                  std::memcpy(values.data() + first, from.data(), from.size());
                }};
  }
};

}  // namespace

TEST_CASE("the values of a device come in pieces of limited size, in order, each once", "[model]") {
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{5}, TensorRef::piece_bytes / 4, 2 * TensorRef::piece_bytes / 4 + 3}) {
    INFO(count << " values");
    std::vector<float> expected(count);
    std::iota(expected.begin(), expected.end(), 1.0f);
    Device device;
    device.values.resize(4 * count);
    const TensorRef tensor = device.ref();
    tensor.fill([&](std::size_t first, std::span<std::byte> bytes) {
      std::copy_n(expected.begin() + static_cast<std::ptrdiff_t>(first / 4), bytes.size() / 4,
                  as_floats(bytes).begin());
    });
    std::vector<float> found;
    tensor.for_each_piece([&](std::size_t first, std::span<const std::byte> bytes) {
      CHECK(first == 4 * found.size());
      found.insert(found.end(), as_floats(bytes).begin(), as_floats(bytes).end());
    });
    CHECK(found == expected);
    for (const auto& [first, size] : device.pieces) {
      CHECK(size > 0);
      CHECK(size <= TensorRef::piece_bytes);
    }
    CHECK(device.pieces.size() == 2 * ((4 * count + TensorRef::piece_bytes - 1) / TensorRef::piece_bytes));
    CHECK(tensor.floats().empty());
  }
}

TEST_CASE("values in host memory are reached in place, as values of their dtype alone", "[model]") {
  std::vector<float> floats{1, 2, 3};
  const TensorRef wide{
      .name = "w", .shape = {3}, .bytes = 12, .memory = {reinterpret_cast<std::byte*>(floats.data()), 12}};
  wide.for_each_piece([&](std::size_t first, std::span<const std::byte> bytes) {
    CHECK(first == 0);
    CHECK(static_cast<const void*>(bytes.data()) == floats.data());
    CHECK(bytes.size() == 12);
  });
  wide.fill([](std::size_t, std::span<std::byte> bytes) { as_floats(bytes)[1] = 7; });
  CHECK(floats == std::vector<float>{1, 7, 3});
  CHECK(wide.floats().data() == floats.data());
  CHECK(wide.floats().size() == 3);
  CHECK(wide.bfloat16s().empty());

  std::vector<moe::BFloat16> narrow{moe::BFloat16(1.0f), moe::BFloat16(2.0f)};
  const TensorRef half{.name = "w",
                       .shape = {2},
                       .dtype = "BF16",
                       .bytes = 4,
                       .memory = {reinterpret_cast<std::byte*>(narrow.data()), 4}};
  CHECK(half.bfloat16s().size() == 2);
  CHECK(half.floats().empty());
}

}  // namespace tensor_ref_test
