#include "moe/safetensors/sharded_writer.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "moe/safetensors/reader.hpp"
#include "moe/safetensors/tensor_folder.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace sharded_writer_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::vector<PlannedTensor> plan{
    {"b", "BF16", {3}}, {"d", "F32", {2, 2}}, {"a", "F32", {3}}, {"c", "F32", {0, 4}}};

std::vector<float> values_of(const PlannedTensor& tensor) {
  std::vector<float> values;
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(tensor.name[0]) + static_cast<float>(i));
  return values;
}

/// Writes all tensors of `writer` in its order, in blocks of `piece` values.
void write_all(ShardedWriter& writer, std::size_t piece) {
  std::vector<float> values;
  for (const PlannedTensor& tensor : writer.order()) {
    const auto more = values_of(tensor);
    values.insert(values.end(), more.begin(), more.end());
  }
  for (std::size_t at = 0; at < values.size(); at += piece)
    writer.write_floats(std::span(values).subspan(at, std::min(piece, values.size() - at)));
  writer.finish();
}

std::uint64_t bytes_in(const ScratchFolder& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) bytes += entry.file_size();
  return bytes;
}

}  // namespace

TEST_CASE("tensors are read back equal from shards of any size, written in blocks of any size") {
  for (const std::uint64_t limit : {1u, 7u, 12u, 16u, 28u, 33u, 34u, 1000u})
    for (const std::size_t piece : {1u, 2u, 5u, 100u}) {
      INFO("shards of " << limit << " bytes, blocks of " << piece << " values");
      const ScratchFolder folder;
      ShardedWriter writer(folder.path(), "model", plan, limit);
      const std::uint64_t planned = writer.total_bytes();
      write_all(writer, piece);
      CHECK(bytes_in(folder) == planned);
      CHECK(std::filesystem::exists(folder / "model.safetensors") == (limit >= 34));
      const TensorFolder model = TensorFolder::open(folder.path());
      REQUIRE(model.tensors().size() == plan.size());
      for (const PlannedTensor& tensor : plan) {
        CHECK(model.entry(tensor.name).dtype == tensor.dtype);
        CHECK(model.entry(tensor.name).shape == tensor.shape);
        std::vector<float> values(values_of(tensor).size());
        model.read_floats(tensor.name, values);
        CHECK(values == values_of(tensor));
      }
    }
}

TEST_CASE("shards are named and filled as planned") {
  const ScratchFolder folder;
  ShardedWriter writer(folder.path(), "optimizer", plan, 16);
  std::vector<std::string> order;
  for (const PlannedTensor& tensor : writer.order()) order.push_back(tensor.name);
  CHECK(order == std::vector<std::string>{"a", "c", "d", "b"});
  REQUIRE(writer.shards() == 3);
  write_all(writer, 3);
  const auto index = nlohmann::json::parse(get_bytes(folder / "optimizer.safetensors.index.json"));
  CHECK(index == nlohmann::json{{"metadata", {{"total_size", 34}}},
                                {"weight_map",
                                 {{"a", "optimizer-00001-of-00003.safetensors"},
                                  {"b", "optimizer-00003-of-00003.safetensors"},
                                  {"c", "optimizer-00001-of-00003.safetensors"},
                                  {"d", "optimizer-00002-of-00003.safetensors"}}}});
}

TEST_CASE("every tensor is aligned and equal input gives equal bytes") {
  const ScratchFolder one, two;
  ShardedWriter first(one.path(), "model", plan);
  write_all(first, 2);
  auto shuffled = plan;
  std::reverse(shuffled.begin(), shuffled.end());
  ShardedWriter second(two.path(), "model", shuffled);
  write_all(second, 4);
  CHECK(get_bytes(one / "model.safetensors") == get_bytes(two / "model.safetensors"));
  const SafetensorsFile file = SafetensorsFile::open(one / "model.safetensors");
  CHECK(file.metadata() == TensorMetadata{{"format", "pt"}});
  for (const auto& [name, entry] : file.entries()) CHECK(entry.begin % (entry.dtype == "F32" ? 4 : 2) == 0);
}

TEST_CASE("bytes and values may be mixed between elements") {
  const ScratchFolder folder;
  ShardedWriter writer(folder.path(), "model", {{"a", "F32", {2}}, {"b", "I64", {1}}});
  const std::int64_t whole = 5;
  const float first = 1.5f;
  writer.write(std::as_bytes(std::span(&whole, 1)));
  const auto bytes = std::as_bytes(std::span(&first, 1));
  writer.write(bytes.first(3));
  CHECK_THROWS_WITH(writer.write_floats(std::span(&first, 1)),
                    ContainsSubstring("must continue at an element boundary"));
  writer.write(bytes.subspan(3));
  CHECK_THROWS_WITH(writer.finish(), ContainsSubstring("'a' must have 8 bytes, found 4 written"));
  writer.write_floats(std::span(&first, 1));
  CHECK_THROWS_AS(writer.write(bytes), Error);
  CHECK_THROWS_AS(writer.write_floats(std::span(&first, 1)), Error);
  writer.finish();
  std::vector<float> values(2);
  TensorFolder::open(folder.path()).read_floats("a", values);
  CHECK(values == std::vector<float>{1.5f, 1.5f});
}

TEST_CASE("a finite value that would become infinite in its dtype is refused with tensor, index and value") {
  const ScratchFolder folder;
  const float infinite = std::numeric_limits<float>::infinity();
  // Longer than the conversion buffer, with the large value in the middle of a call.
  std::vector<float> values(30'000, 1);
  values[3] = infinite;
  values[25'001] = -1e5f;
  for (const std::string dtype : {"F16", "BF16"}) {
    ShardedWriter writer(folder.path(), "model", {{"a", dtype, {5}}, {"b", dtype, {10, 3000}}});
    writer.write_floats(std::vector<float>(5, -infinite));
    if (dtype == "BF16") {
      writer.write_floats(values);
      writer.finish();
      continue;
    }
    CHECK_THROWS_AS(writer.write_floats(values), ValueTooLarge);
    ShardedWriter again(folder.path(), "model", {{"a", dtype, {5}}, {"b", dtype, {10, 3000}}});
    again.write_floats(std::vector<float>(5, -infinite));
    again.write_floats(std::span(values).first(7));
    CHECK_THROWS_WITH(again.write_floats(std::span(values).subspan(7)),
                      ContainsSubstring("'b' must have values of at most 65504 to be written as float16, found -100000 "
                                        "at [8, 1001]"));
  }
}

TEST_CASE("an invalid plan is refused before any file is created") {
  const ScratchFolder folder;
  const auto plans = [&](std::vector<PlannedTensor> tensors, std::uint64_t limit = 100) {
    return ShardedWriter(folder.path(), "model", std::move(tensors), limit);
  };
  CHECK_THROWS_AS(plans({{"a", "F32", {1}}, {"a", "F32", {1}}}), Error);
  CHECK_THROWS_AS(plans({{"a", "F32", {1}}, {"a", "F64", {1}}}, 4), Error);
  CHECK_THROWS_AS(plans({{"__metadata__", "F32", {1}}}), Error);
  CHECK_THROWS_AS(plans({{"a", "F33", {1}}}), Error);
  CHECK_THROWS_AS(plans({{"a", "F32", {-1}}}), Error);
  CHECK_THROWS_AS(plans({{"a", "F32", {1}}}, 0), Error);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a plan without tensors gives an empty file, and a missing folder is an IoError") {
  const ScratchFolder folder;
  ShardedWriter(folder.path(), "model", {}).finish();
  CHECK(TensorFolder::open(folder.path()).tensors().empty());
  ShardedWriter nowhere(folder / "missing", "model", plan);
  const float value = 1;
  CHECK_THROWS_AS(nowhere.write_floats(std::span(&value, 1)), IoError);
}

}  // namespace sharded_writer_test
