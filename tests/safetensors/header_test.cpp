/// Malicious files. Each must be refused with a BadFile that names the file, the position and the rule.
#include "moe/safetensors/header.hpp"

#include "moe/safetensors/reader.hpp"
#include "safetensors/bad_safetensors.hpp"
#include "support/catch.hpp"

namespace header_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

void check_refused(const std::vector<BadSafetensors>& files) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "f";
  for (const BadSafetensors& bad : files) {
    put_bytes(path, bad.bytes);
    INFO(escaped(bad.bytes.substr(0, 120)));
    try {
      SafetensorsFile::open(path);
      FAIL_CHECK("was accepted");
    } catch (const BadFile& error) {
      CHECK_THAT(error.what(), ContainsSubstring(path.native()) && ContainsSubstring(bad.rule));
      // The error of a rule that two tensors break together names one of them instead of a byte.
      CHECK((error.offset().has_value() || std::string(error.what()).find("] '") != std::string::npos));
      CHECK(error.offset().value_or(0) <= bad.bytes.size());
    }
  }
}

}  // namespace

TEST_CASE("headers of an impossible size are refused") { check_refused(impossible_sizes()); }

TEST_CASE("headers that are not one JSON object are refused") { check_refused(not_one_object()); }

TEST_CASE("headers that would need much memory are refused") { check_refused(costly_headers()); }

TEST_CASE("metadata that is not a map of strings is refused") { check_refused(wrong_metadata()); }

TEST_CASE("names that occur twice or contain a NUL are refused") { check_refused(wrong_names()); }

TEST_CASE("tensors with wrong fields are refused") { check_refused(wrong_fields()); }

TEST_CASE("invalid shapes are refused") { check_refused(wrong_shapes()); }

TEST_CASE("offsets that are not a range are refused") { check_refused(wrong_offsets()); }

TEST_CASE("tensors that overlap or leave holes are refused") { check_refused(wrong_layouts()); }

TEST_CASE("a refused header is located by its byte") {
  const ScratchFolder folder;
  const std::string header = R"({"a":{"dtype":"F33"}})";
  put_bytes(folder / "f", sized(header.size(), header));
  try {
    SafetensorsFile::open(folder / "f");
    FAIL("was accepted");
  } catch (const BadFile& error) {
    // The parser has read the closing quote of "F33" when it reports the string.
    CHECK(error.offset() == 8 + header.find("F33") + 4);
  }
}

TEST_CASE("a file that is truncated after it was opened is a bad file, at any size") {
  const ScratchFolder folder;
  const std::string header = placed({{0, 2}, {2, 5}});
  const std::string bytes = sized(header.size(), header + "12345");
  for (std::size_t size = 0; size < 8 + header.size(); ++size) {
    put_bytes(folder / "f", bytes);
    const InputFile file = InputFile::open(folder / "f");
    std::filesystem::resize_file(folder / "f", size);
    INFO("cut to " << size << " bytes");
    CHECK_THROWS_AS(read_safetensors_header(file), BadFile);
  }
}

}  // namespace header_test
