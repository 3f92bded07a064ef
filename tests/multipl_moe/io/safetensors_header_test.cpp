/// Files made to break the reader. Each must be refused as a BadFile whose message names the rule.
#include "multipl_moe/io/safetensors_header.hpp"

#include <limits>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct BadHeader {
  std::string header;
  std::string rule;  ///< part of the message
  std::size_t data = 0;
};

std::string sized(std::uint64_t size, const std::string& rest) { return bytes_of(size) + rest; }

/// One tensor "a" of `fields`.
std::string tensor(const std::string& fields) { return "{\"a\":{" + fields + "}}"; }

/// One tensor "a" of F32 with a shape and offsets of its own.
std::string shaped(const std::string& shape, const std::string& offsets) {
  return tensor("\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets);
}

/// Tensors of U8 at the given offsets.
std::string placed(const std::vector<std::pair<int, int>>& offsets) {
  std::string text = "{";
  for (std::size_t i = 0; i < offsets.size(); ++i)
    text += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) + "\":{\"dtype\":\"U8\",\"shape\":[" +
            std::to_string(offsets[i].second - offsets[i].first) + "],\"data_offsets\":[" +
            std::to_string(offsets[i].first) + "," + std::to_string(offsets[i].second) + "]}";
  return text + "}";
}

std::string many(const std::string& item, std::size_t count) {
  std::string text;
  text.reserve(item.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += item;
  return text;
}

void check_refused(const std::string& bytes, const std::string& rule) {
  const ScratchFolder folder;
  put_bytes(folder / "f", bytes);
  INFO(escaped(bytes.substr(0, 120)));
  try {
    SafetensorsFile::open(folder / "f");
    FAIL_CHECK("was taken");
  } catch (const BadFile& error) {
    CHECK_THAT(error.what(), ContainsSubstring(rule));
  }
}

void check_all(const std::vector<BadHeader>& headers) {
  for (const BadHeader& bad : headers)
    check_refused(sized(bad.header.size(), bad.header + std::string(bad.data, '\1')), bad.rule);
}

}  // namespace

TEST_CASE("headers of an impossible size are refused") {
  for (std::size_t size = 0; size < 8; ++size) check_refused(std::string(size, '\0'), "at least 8 bytes");
  const std::string rest = "{}";
  check_refused(sized(0, rest), "must begin with '{'");
  check_refused(sized(1, "{"), "must be JSON");
  check_refused(sized(3, rest), "end within the file");
  check_refused(sized(std::uint64_t{1} << 63, rest), "at most 67108864 bytes");
  check_refused(sized(std::numeric_limits<std::uint64_t>::max(), rest), "at most 67108864 bytes");
  check_refused(sized(std::numeric_limits<std::uint64_t>::max() - 7, rest), "at most 67108864 bytes");
  check_refused(sized((std::uint64_t{64} << 20) + 1, rest), "at most 67108864 bytes");
}

TEST_CASE("headers that are not one JSON object are refused") {
  const std::string good = shaped("[1]", "[0,4]");
  using namespace std::string_literals;
  check_all({{"{\"\xff\":{}}", "JSON"},
             {"\xef\xbb\xbf" + good, "must begin with '{'"},
             {" " + good, "must begin with '{'"},
             {"[]", "must begin with '{'"},
             {"\"a\"", "must begin with '{'"},
             {"null", "must begin with '{'"},
             {good + "}", "JSON", 4},
             {good + good, "JSON", 4},
             {good + "\0"s, "JSON", 4},
             {good.substr(0, good.size() - 1), "JSON", 4},
             {"{\"a\":1,}", "a tensor must be an object"},
             {"{" + many("\"a\":{", 100'000), "at most 3 deep"},
             {"{\"a\":" + many("[", 100'000), "at most 3 deep"},
             {many("{", 100'000), "at most 3 deep"}});
}

TEST_CASE("headers that would cost memory are refused") {
  const std::string one = R"("":{"dtype":"U8","shape":[],"data_offsets":[0,0]},)";
  check_all({{"{\"" + std::string(std::size_t{1} << 20, 'a') + "\":{}}", "name must have at most 4096 bytes"},
             {"{\"" + std::string(std::size_t{5} << 20, 'a') + "\":{}}", "string must have at most"},
             {shaped("[" + std::string(1000, '1') + "]", "[0,4]"), "number must have at most 64"},
             {shaped("[" + many("1,", 999) + "1]", "[0,4]"), "at most 16 dimensions", 4},
             {"{" + many(R"("a":{},)", 1'000'001), "at most 1000000 tensors"},
             {"{" + many(R"("a":{},)", 1'000'000), "dtype is missing"}});
  std::string metadata = "{\"__metadata__\":{";
  for (int i = 0; i <= 65'536; ++i) metadata += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  check_all({{metadata + "}}", "at most 65536 keys"}});
}

TEST_CASE("metadata that is not a map of strings is refused") {
  check_all({{R"({"__metadata__":{"a":1}})", "metadata must be strings"},
             {R"({"__metadata__":{"a":null}})", "metadata must be strings"},
             {R"({"__metadata__":{"a":{}}})", "metadata must be strings"},
             {R"({"__metadata__":{"a":["b"]}})", "found an array"},
             {R"({"__metadata__":[]})", "found an array"},
             {R"({"__metadata__":"a"})", "found a string"},
             {R"({"__metadata__":{},"__metadata__":{}})", "twice"},
             {R"({"__metadata__":{"a":"b","a":"c"}})", "twice"}});
}

TEST_CASE("names that come twice or hold a NUL are refused") {
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  check_all({{"{\"a\":" + entry + ",\"a\":" + entry + "}", "twice", 1},
             {"{\"a\":" + entry + ",\"\\u0061\":" + entry + "}", "twice", 1},
             {"{\"a\\u0000b\":" + entry + "}", "NUL", 1},
             {std::string("{\"a\0b\":", 7) + entry + "}", "JSON", 1}});
}

TEST_CASE("tensors with wrong fields are refused") {
  check_all({{R"({"a":1})", "a tensor must be an object"},
             {R"({"a":[]})", "found an array"},
             {R"({"a":{}})", "dtype is missing"},
             {tensor(R"("shape":[1],"data_offsets":[0,4])"), "dtype is missing", 4},
             {tensor(R"("dtype":"F32","data_offsets":[0,4])"), "shape is missing", 4},
             {tensor(R"("dtype":"F32","shape":[1])"), "data_offsets is missing", 4},
             {tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), "found 'x'", 4},
             {tensor(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), "dtype must occur once", 4},
             {tensor(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"), "found 'F33'", 4},
             {tensor(R"("dtype":"f32","shape":[1],"data_offsets":[0,4])"), "found 'f32'", 4},
             {tensor(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "dtype cannot be the number 32", 4},
             {tensor(R"("dtype":["F32"],"shape":[1],"data_offsets":[0,4])"), "dtype cannot be an array", 4},
             {tensor(R"("dtype":"F32","shape":"1","data_offsets":[0,4])"), "shape cannot be a string", 4},
             {tensor(R"("dtype":"F32","shape":{},"data_offsets":[0,4])"), "cannot be an object", 4},
             {tensor(R"("dtype":"F32","shape":null,"data_offsets":[0,4])"), "cannot be null", 4},
             {tensor(R"("dtype":"F32","shape":[1],"data_offsets":4)"), "data_offsets cannot be the number 4", 4}});
}

TEST_CASE("shapes that are not sizes are refused") {
  check_all({{shaped("[-1]", "[0,4]"), "unsigned integer, found the number -1", 4},
             {shaped("[-0]", "[0,4]"), "unsigned integer", 4},
             {shaped("[1.5]", "[0,4]"), "unsigned integer, found the number 1.5", 4},
             {shaped("[1e30]", "[0,4]"), "unsigned integer", 4},
             {shaped("[1e0]", "[0,4]"), "unsigned integer", 4},
             {shaped("[18446744073709551616]", "[0,4]"), "unsigned integer", 4},
             {shaped("[18446744073709551615]", "[0,4]"), "below 2^63", 4},
             {shaped("[\"2\"]", "[0,4]"), "found a string", 4},
             {shaped("[true]", "[0,4]"), "found a boolean", 4},
             {shaped("[null]", "[0,4]"), "found null", 4},
             {shaped("[[1]]", "[0,4]"), "at most 3 deep", 4},
             {shaped("[4294967296,4294967296]", "[0,4]"), "fewer than 2^63 bytes", 4},
             {shaped("[4294967296,4294967296,2]", "[0,0]"), "fewer than 2^63 bytes", 0},
             {shaped("[4611686018427387904]", "[0,0]"), "fewer than 2^63 bytes", 0},
             {shaped("[0]", "[0,4]"), "has 0 bytes", 4},
             {shaped("[2]", "[0,4]"), "has 8 bytes, data_offsets give 4", 4},
             {shaped("[]", "[0,0]"), "has 4 bytes", 0}});
}

TEST_CASE("offsets that are not a range are refused") {
  check_all({{shaped("[1]", "[4,0]"), "must not fall", 4},
             {shaped("[1]", "[4]"), "two numbers, found 1", 4},
             {shaped("[1]", "[]"), "two numbers, found 0", 4},
             {shaped("[1]", "[0,4,8]"), "two numbers, found more", 4},
             {shaped("[1]", "[-4,0]"), "unsigned integer, found the number -4", 4},
             {shaped("[1]", "[0.0,4]"), "unsigned integer", 4},
             {shaped("[1]", "[0,\"4\"]"), "found a string", 4},
             {shaped("[1]", "[18446744073709551612,18446744073709551616]"), "unsigned integer", 4},
             {shaped("[1]", "[18446744073709551611,18446744073709551615]"), "a hole", 4}});
}

TEST_CASE("tensors that overlap or leave holes are refused") {
  check_all({{placed({{0, 8}}), "they have 8 bytes, the file has 4", 4},
             {placed({{0, 4}}), "they have 4 bytes, the file has 5", 5},
             {"{}", "they have 0 bytes, the file has 1", 1},
             {placed({{1, 4}}), "a hole", 4},
             {placed({{0, 2}, {3, 4}}), "a hole", 4},
             {placed({{0, 2}, {1, 4}}), "overlap", 4},
             {placed({{0, 4}, {0, 4}}), "overlap", 4},
             {placed({{0, 4}, {2, 2}}), "overlap", 4},
             {placed({{0, 4}, {5, 5}}), "a hole", 4}});
}

TEST_CASE("a refused header is located by its byte") {
  const ScratchFolder folder;
  const std::string header = R"({"a":{"dtype":"F33"}})";
  put_bytes(folder / "f", sized(header.size(), header));
  try {
    SafetensorsFile::open(folder / "f");
    FAIL("was taken");
  } catch (const BadFile& error) {
    // The parser has read the closing quote of "F33" when it reports the string.
    CHECK(error.offset() == 8 + header.find("F33") + 4);
  }
}
