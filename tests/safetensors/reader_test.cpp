#include "moe/safetensors/reader.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "moe/safetensors/writer.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace reader_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class Number>
TensorView view(const char* name, const char* dtype, std::vector<std::int64_t> shape,
                const std::vector<Number>& values) {
  return {name, dtype, std::move(shape), std::as_bytes(std::span(values))};
}

/// A header without padding, and `data` bytes after it.
std::string file_of(const std::string& header, std::size_t data) {
  return bytes_of(static_cast<std::uint64_t>(header.size())) + header + std::string(data, '\1');
}

}  // namespace

TEST_CASE("written tensors are read back equal") {
  const ScratchFolder folder;
  const std::vector<float> a{1.5f, -2.0f, 0.25f, 3.0f, 1e-40f, -0.0f};
  const std::vector<double> b{1.0 / 3.0};
  const std::vector<std::uint16_t> half{0x3c00, 0xfbff};
  const std::vector<float> none;
  const std::vector<TensorView> tensors{view("layer.b", "F64", {}, b), view("layer.a", "F32", {2, 3}, a),
                                        view("half", "F16", {2}, half), view("brain", "BF16", {1, 2}, half),
                                        view("none", "F32", {0, 7}, none)};
  write_safetensors(folder / "f", tensors, {{"format", "pt"}, {"step", "7\n\""}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "f");
  CHECK(file.metadata() == TensorMetadata{{"format", "pt"}, {"step", "7\n\""}});
  REQUIRE(file.entries().size() == 5);
  CHECK(file.entry("layer.a").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.entry("layer.a").count() == 6);
  CHECK(file.entry("none").count() == 0);
  std::vector<float> floats(6);
  file.read_floats("layer.a", floats);
  CHECK(floats == a);
  std::vector<double> doubles(6);
  file.read_floats("layer.a", doubles);
  CHECK(doubles == std::vector<double>(a.begin(), a.end()));
  std::vector<double> one(1);
  file.read_floats("layer.b", one);
  CHECK(one == b);
  file.read_floats("layer.b", std::span(floats).first(1));
  CHECK(floats[0] == static_cast<float>(b[0]));
  file.read_floats("half", std::span(floats).first(2));
  CHECK(floats[1] == -65504.0f);
  file.read_floats("brain", std::span(floats).first(2));
  CHECK(floats[0] == 0.0078125f);
  std::vector<std::byte> raw(8);
  file.read("layer.b", raw);
  CHECK(std::equal(raw.begin(), raw.end(), std::as_bytes(std::span(b)).begin()));
}

TEST_CASE("the bytes of a file are fixed") {
  const ScratchFolder folder;
  const std::vector<std::uint8_t> a{7, 8, 9};
  write_safetensors(folder / "f", std::vector{view("a", "U8", {3}, a)}, {{"k", "v"}});
  const std::string header = R"({"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  CHECK(get_bytes(folder / "f") ==
        bytes_of(static_cast<std::uint64_t>((header + padding).size())) + header + padding + "\7\10\11");
}

TEST_CASE("values that are not finite are read back unchanged") {
  const ScratchFolder folder;
  const std::vector<float> a{std::numeric_limits<float>::infinity(), std::nanf("")};
  write_safetensors(folder / "f", std::vector{view("a", "F32", {2}, a)});
  std::vector<double> values(2);
  SafetensorsFile::open(folder / "f").read_floats("a", values);
  CHECK(values[0] == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(values[1]));
}

TEST_CASE("a tensor larger than the reader's buffer is read whole") {
  const ScratchFolder folder;
  std::vector<double> a(20'001);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<double>(i) * 0.5;
  write_safetensors(folder / "f", std::vector{view("a", "F64", {20'001}, a)});
  std::vector<double> values(a.size());
  SafetensorsFile::open(folder / "f").read_floats("a", values);
  CHECK(values == a);
}

TEST_CASE("null metadata is read as empty") {
  const ScratchFolder folder;
  put_bytes(folder / "f", file_of(R"({"__metadata__":null,"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2));
  const SafetensorsFile file = SafetensorsFile::open(folder / "f");
  CHECK(file.metadata().empty());
  CHECK(file.entry("a").count() == 2);
}

TEST_CASE("a double outside the range of float is refused with its index by float reads only") {
  const ScratchFolder folder;
  std::vector<double> a(10'000, 0.5);
  a[7] = std::numeric_limits<double>::infinity();
  a[9'001] = -1e39;
  write_safetensors(folder / "f", std::vector{view("a", "F64", {100, 100}, a)});
  const SafetensorsFile file = SafetensorsFile::open(folder / "f");
  std::vector<float> floats(a.size());
  CHECK_THROWS_AS(file.read_floats("a", floats), BadFile);
  CHECK_THROWS_WITH(file.read_floats("a", floats),
                    ContainsSubstring("'a' must have values of at most 3.4028234663852886e+38, since it is read as "
                                      "float32, found -1e+39 at [90, 1]"));
  CHECK_THROWS_WITH(file.read_floats("a", 9'000, std::span(floats).first(10)), ContainsSubstring("at [90, 1]"));
  file.read_floats("a", 0, std::span(floats).first(9'000));
  CHECK(std::isinf(floats[7]));
  std::vector<double> doubles(a.size());
  file.read_floats("a", doubles);
  CHECK(doubles == a);
}

TEST_CASE("a part of a tensor is read from a given element on") {
  const ScratchFolder folder;
  const std::vector<float> a{1.0f, 2.0f, 3.0f, 4.0f};
  const std::vector<std::uint16_t> b{0x3f80, 0x4000, 0x4040};
  write_safetensors(folder / "f", std::vector{view("a", "F32", {2, 2}, a), view("b", "BF16", {3}, b)});
  const SafetensorsFile file = SafetensorsFile::open(folder / "f");
  std::vector<float> values(2);
  file.read_floats("a", 1, values);
  CHECK(values == std::vector<float>{2.0f, 3.0f});
  file.read_floats("b", 1, values);
  CHECK(values == std::vector<float>{2.0f, 3.0f});
  file.read_floats("b", 3, std::span<float>());
  std::vector<std::byte> bytes(3);
  file.read("b", 2, bytes);
  CHECK(bytes == std::vector<std::byte>{std::byte{0x00}, std::byte{0x40}, std::byte{0x40}});
  CHECK_THROWS_AS(file.read_floats("a", 3, values), BadFile);
  CHECK_THROWS_AS(file.read_floats("a", std::numeric_limits<std::uint64_t>::max(), values), BadFile);
  CHECK_THROWS_AS(file.read("b", 4, bytes), BadFile);
}

TEST_CASE("reading checks name, dtype, size and the file's length") {
  const ScratchFolder folder;
  const std::vector<float> a{1.0f, 2.0f};
  const std::vector<std::int32_t> b{1};
  write_safetensors(folder / "f", std::vector{view("a", "F32", {2}, a), view("b", "I32", {1}, b)});
  const SafetensorsFile file = SafetensorsFile::open(folder / "f");
  std::vector<float> values(3);
  std::vector<std::byte> bytes(7);
  CHECK_THROWS_AS(file.entry("c"), BadFile);
  CHECK_THROWS_AS(file.read_floats("a", values), BadFile);
  CHECK_THROWS_AS(file.read_floats("b", std::span(values).first(1)), BadFile);
  CHECK_THROWS_AS(file.read("a", bytes), BadFile);
  std::filesystem::resize_file(folder / "f", get_bytes(folder / "f").size() - 6);
  CHECK_THROWS_AS(file.read_floats("a", std::span(values).first(2)), BadFile);
}

TEST_CASE("the writer refuses tensors that a reader would refuse") {
  const ScratchFolder folder;
  const std::vector<float> a{1.0f, 2.0f};
  CHECK_THROWS_AS(write_safetensors(folder / "f", std::vector{view("a", "F32", {3}, a)}), Error);
  CHECK_THROWS_AS(write_safetensors(folder / "f", std::vector{view("a", "F31", {2}, a)}), Error);
  CHECK_THROWS_AS(write_safetensors(folder / "f", std::vector{view("a", "F32", {2}, a), view("a", "F32", {2}, a)}),
                  Error);
  CHECK_THROWS_AS(write_safetensors(folder / "f", std::vector{view("__metadata__", "F32", {2}, a)}), Error);
  CHECK_THROWS_AS(write_safetensors("/dev/full", std::vector{view("a", "F32", {2}, a)}), IoError);
}

TEST_CASE("a file cut at any byte is a bad file") {
  const ScratchFolder folder;
  const std::vector<float> a{1.0f, 2.0f};
  const std::vector<std::uint8_t> b{1};
  write_safetensors(folder / "f", std::vector{view("a", "F32", {2}, a), view("b", "U8", {1}, b)}, {{"k", "v"}});
  const std::string whole = get_bytes(folder / "f");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_bytes(folder / "cut", whole.substr(0, size));
    INFO("cut to " << size << " bytes");
    CHECK_THROWS_AS(SafetensorsFile::open(folder / "cut"), BadFile);
  }
  put_bytes(folder / "cut", whole + "x");
  CHECK_THROWS_AS(SafetensorsFile::open(folder / "cut"), BadFile);
}

TEST_CASE("a file with any byte changed gives a value or a bad file") {
  const ScratchFolder folder;
  const std::vector<float> a{1.0f, 2.0f};
  write_safetensors(folder / "f", std::vector{view("a", "F32", {2}, a)}, {{"k", "v"}});
  const std::string whole = get_bytes(folder / "f");
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const char byte : {'\0', '"', '{', '9', '\xff'}) {
      std::string changed = whole;
      changed[i] = byte;
      put_bytes(folder / "changed", changed);
      try {
        std::vector<float> values(2);
        SafetensorsFile::open(folder / "changed").read_floats("a", values);
      } catch (const BadFile&) {
        ++refused;
      }
    }
  CHECK(refused > 300);
}

TEST_CASE("unusual files that the format allows are accepted") {
  const ScratchFolder folder;
  for (
      const auto& [header, data] : std::vector<std::pair<std::string, std::size_t>>{
          {"{}", 0},
          {"{}      ", 0},
          {R"({"__metadata__":{}})", 0},
          {R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
           2},
          {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
           5},
          {R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4},
          {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0},
          {R"({"z":{"dtype":"F32","shape":[3,0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
           1},
          {R"({"a":{"shape":[1],"data_offsets":[0,1],"dtype":"BOOL"}})", 1},
          {R"({"a\"{[{[{[":{"shape":[1],"data_offsets":[0,1],"dtype":"I8"}})", 1},
          {R"({"a\\":{"shape":[1],"data_offsets":[0,1],"dtype":"I8"}})", 1},
          {R"({"a{[}":{"shape":[1],"data_offsets":[0,1],"dtype":"I8"}})", 1}}) {
    put_bytes(folder / "f", file_of(header, data));
    INFO(header);
    CHECK_NOTHROW(SafetensorsFile::open(folder / "f"));
  }
}

}  // namespace reader_test
