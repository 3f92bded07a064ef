/// Malicious safetensors files, each with the rule that it breaks: for the test of the reader, and for the test of the
/// program with such files as weights.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/scratch.hpp"

namespace moe::testing {

struct BadSafetensors {
  std::string bytes;
  std::string rule;  ///< part of the message
};

inline std::string sized(std::uint64_t size, const std::string& rest) { return bytes_of(size) + rest; }

/// One tensor "a" with the given fields.
inline std::string tensor(const std::string& fields) { return "{\"a\":{" + fields + "}}"; }

/// One tensor "a" of F32 with the given shape and offsets.
inline std::string shaped(const std::string& shape, const std::string& offsets) {
  return tensor("\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets);
}

/// Tensors of U8 at the given offsets.
inline std::string placed(const std::vector<std::pair<int, int>>& offsets) {
  std::string text = "{";
  for (std::size_t i = 0; i < offsets.size(); ++i)
    text += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) + "\":{\"dtype\":\"U8\",\"shape\":[" +
            std::to_string(offsets[i].second - offsets[i].first) + "],\"data_offsets\":[" +
            std::to_string(offsets[i].first) + "," + std::to_string(offsets[i].second) + "]}";
  return text + "}";
}

inline std::string many(const std::string& item, std::size_t count) {
  std::string text;
  text.reserve(item.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += item;
  return text;
}

/// A header of the right size, and `data` bytes after it.
inline BadSafetensors bad(const std::string& header, std::string rule, std::size_t data = 0) {
  return {sized(header.size(), header + std::string(data, '\1')), std::move(rule)};
}

/// Files whose header size is missing or impossible.
inline std::vector<BadSafetensors> impossible_sizes() {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::vector<BadSafetensors> files;
  for (std::size_t size = 0; size < 8; ++size) files.push_back({std::string(size, '\0'), "at least 8 bytes"});
  files.push_back({sized(0, "{}"), "must begin with '{'"});
  files.push_back({sized(1, "{"), "must be JSON"});
  files.push_back({sized(3, "{}"), "end within the file"});
  // Sums with the 8 bytes before the header wrap around.
  for (const std::uint64_t size : {std::uint64_t{1} << 63, most, most - 7, (std::uint64_t{64} << 20) + 1})
    files.push_back({sized(size, "{}"), "at most 67108864 bytes"});
  return files;
}

/// Files whose header is not one JSON object.
inline std::vector<BadSafetensors> not_one_object() {
  const std::string good = shaped("[1]", "[0,4]");
  using namespace std::string_literals;
  return {bad("{\"\xff\":{}}", "JSON"),
          bad("\xef\xbb\xbf" + good, "must begin with '{'"),
          bad(" " + good, "must begin with '{'"),
          bad("[]", "must begin with '{'"),
          bad("\"a\"", "must begin with '{'"),
          bad("null", "must begin with '{'"),
          bad(good + "}", "JSON", 4),
          bad(good + good, "JSON", 4),
          bad(good + "\0"s, "JSON", 4),
          bad(good.substr(0, good.size() - 1), "JSON", 4),
          bad("{\"a\":1,}", "a tensor must be an object"),
          bad("{" + many("\"a\":{", 100'000), "at most 3 deep"),
          bad("{\"a\":" + many("[", 100'000), "at most 3 deep"),
          bad(many("{", 100'000), "at most 3 deep"),
          bad("{'a':{}}", "JSON"),
          bad("{/**/}", "JSON"),
          bad("{\"a\nb\":{}}", "JSON"),
          bad(R"({"\ud800":{}})", "JSON"),
          bad(R"({"\x61":{}})", "JSON")};
}

/// Files whose header would need much memory for a list or a string.
inline std::vector<BadSafetensors> costly_headers() {
  std::string metadata = "{\"__metadata__\":{";
  for (int i = 0; i <= 65'536; ++i) metadata += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  return {bad("{\"" + std::string(std::size_t{1} << 20, 'a') + "\":{}}", "name must have at most 4096 bytes"),
          bad("{\"" + std::string(std::size_t{5} << 20, 'a') + "\":{}}", "string must have at most"),
          bad(shaped("[" + std::string(1000, '1') + "]", "[0,4]"), "number must have at most 64"),
          bad(shaped("[" + many("1,", 999) + "1]", "[0,4]"), "at most 16 dimensions", 4),
          bad("{" + many(R"("a":{},)", 1'000'001), "at most 1000000 tensors"),
          bad("{" + many(R"("a":{},)", 1'000'000), "dtype is missing"),
          bad(metadata + "}}", "at most 65536 keys")};
}

/// Files whose metadata is not a map of strings.
inline std::vector<BadSafetensors> wrong_metadata() {
  return {bad(R"({"__metadata__":{"a":1}})", "metadata must be strings"),
          bad(R"({"__metadata__":null,"__metadata__":{}})", "twice"),
          bad(R"({"a":null})", "a tensor must be an object, found null"),
          bad(R"({"__metadata__":{"a":null}})", "metadata must be strings"),
          bad(R"({"__metadata__":{"a":{}}})", "metadata must be strings"),
          bad(R"({"__metadata__":{"a":["b"]}})", "found an array"),
          bad(R"({"__metadata__":[]})", "found an array"),
          bad(R"({"__metadata__":"a"})", "found a string"),
          bad(R"({"__metadata__":{},"__metadata__":{}})", "twice"),
          bad(R"({"__metadata__":{"a":"b","a":"c"}})", "twice")};
}

/// Files with names that occur twice or contain a NUL.
inline std::vector<BadSafetensors> wrong_names() {
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  return {bad("{\"a\":" + entry + ",\"a\":" + entry + "}", "twice", 1),
          bad("{\"a\":" + entry + ",\"\\u0061\":" + entry + "}", "twice", 1),
          bad("{\"a\\u0000b\":" + entry + "}", "NUL", 1), bad(std::string("{\"a\0b\":", 7) + entry + "}", "JSON", 1)};
}

/// Files with tensors that lack a field or have an unknown one.
inline std::vector<BadSafetensors> wrong_fields() {
  return {bad(R"({"a":1})", "a tensor must be an object"),
          bad(R"({"a":[]})", "found an array"),
          bad(R"({"a":{}})", "dtype is missing"),
          bad(tensor(R"("shape":[1],"data_offsets":[0,4])"), "dtype is missing", 4),
          bad(tensor(R"("dtype":"F32","data_offsets":[0,4])"), "shape is missing", 4),
          bad(tensor(R"("dtype":"F32","shape":[1])"), "data_offsets is missing", 4),
          bad(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), "found 'x'", 4),
          bad(tensor(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), "dtype must occur once", 4),
          bad(tensor(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"), "found 'F33'", 4),
          bad(tensor(R"("dtype":"f32","shape":[1],"data_offsets":[0,4])"), "found 'f32'", 4),
          bad(tensor(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "dtype cannot be the number 32", 4),
          bad(tensor(R"("dtype":["F32"],"shape":[1],"data_offsets":[0,4])"), "dtype cannot be an array", 4),
          bad(tensor(R"("dtype":"F32","shape":"1","data_offsets":[0,4])"), "shape cannot be a string", 4),
          bad(tensor(R"("dtype":"F32","shape":{},"data_offsets":[0,4])"), "cannot be an object", 4),
          bad(tensor(R"("dtype":"F32","shape":null,"data_offsets":[0,4])"), "cannot be null", 4),
          bad(tensor(R"("dtype":"F32","shape":[1],"data_offsets":4)"), "data_offsets cannot be the number 4", 4)};
}

/// Files with invalid shapes.
inline std::vector<BadSafetensors> wrong_shapes() {
  return {bad(shaped("[-1]", "[0,4]"), "unsigned integer, found the number -1", 4),
          bad(shaped("[-0]", "[0,4]"), "unsigned integer", 4),
          bad(shaped("[1.5]", "[0,4]"), "unsigned integer, found the number 1.5", 4),
          bad(shaped("[1e30]", "[0,4]"), "unsigned integer", 4),
          bad(shaped("[1e0]", "[0,4]"), "unsigned integer", 4),
          bad(shaped("[18446744073709551616]", "[0,4]"), "unsigned integer", 4),
          bad(shaped("[18446744073709551615]", "[0,4]"), "below 2^63", 4),
          bad(shaped("[\"2\"]", "[0,4]"), "found a string", 4),
          bad(shaped("[true]", "[0,4]"), "found a boolean", 4),
          bad(shaped("[null]", "[0,4]"), "found null", 4),
          bad(shaped("[[1]]", "[0,4]"), "at most 3 deep", 4),
          bad(shaped("[4294967296,4294967296]", "[0,4]"), "fewer than 2^63 bytes", 4),
          bad(shaped("[4294967296,4294967296,2]", "[0,0]"), "fewer than 2^63 bytes", 0),
          bad(shaped("[4611686018427387904]", "[0,0]"), "fewer than 2^63 bytes", 0),
          bad(shaped("[0]", "[0,4]"), "has 0 bytes", 4),
          bad(shaped("[2]", "[0,4]"), "has 8 bytes, data_offsets give 4", 4),
          bad(shaped("[]", "[0,0]"), "has 4 bytes", 0),
          bad(shaped("[+1]", "[0,4]"), "JSON", 4),
          bad(shaped("[01]", "[0,4]"), "JSON", 4),
          bad(shaped("[0x1]", "[0,4]"), "JSON", 4),
          bad(shaped("[NaN]", "[0,4]"), "JSON", 4),
          bad(shaped("[1,]", "[0,4]"), "JSON", 4)};
}

/// Files with offsets that are not a range.
inline std::vector<BadSafetensors> wrong_offsets() {
  return {bad(shaped("[1]", "[4,0]"), "must not decrease", 4),
          bad(shaped("[1]", "[4]"), "two numbers, found 1", 4),
          bad(shaped("[1]", "[]"), "two numbers, found 0", 4),
          bad(shaped("[1]", "[0,4,8]"), "two numbers, found more", 4),
          bad(shaped("[1]", "[-4,0]"), "unsigned integer, found the number -4", 4),
          bad(shaped("[1]", "[0.0,4]"), "unsigned integer", 4),
          bad(shaped("[1]", "[0,\"4\"]"), "found a string", 4),
          bad(shaped("[1]", "[18446744073709551612,18446744073709551616]"), "unsigned integer", 4),
          bad(shaped("[1]", "[18446744073709551611,18446744073709551615]"), "a hole", 4),
          bad(shaped("[1]", "[0.5,4.5]"), "unsigned integer", 4)};
}

/// Files with tensors that overlap, leave holes or do not end with the file.
inline std::vector<BadSafetensors> wrong_layouts() {
  return {bad(placed({{0, 8}}), "they have 8 bytes, the file has 4", 4),
          bad(placed({{0, 4}}), "they have 4 bytes, the file has 5", 5),
          bad("{}", "they have 0 bytes, the file has 1", 1),
          bad(placed({{1, 4}}), "a hole", 4),
          bad(placed({{0, 2}, {3, 4}}), "a hole", 4),
          bad(placed({{0, 2}, {1, 4}}), "overlap", 4),
          bad(placed({{0, 4}, {0, 4}}), "overlap", 4),
          bad(placed({{0, 4}, {2, 2}}), "overlap", 4),
          bad(placed({{0, 4}, {5, 5}}), "a hole", 4)};
}

inline std::vector<BadSafetensors> all_bad_safetensors() {
  std::vector<BadSafetensors> files;
  for (auto* group : {impossible_sizes, not_one_object, costly_headers, wrong_metadata, wrong_names, wrong_fields,
                      wrong_shapes, wrong_offsets, wrong_layouts})
    for (BadSafetensors& file : group()) files.push_back(std::move(file));
  return files;
}

}  // namespace moe::testing
