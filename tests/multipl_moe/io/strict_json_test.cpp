#include "multipl_moe/io/strict_json.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace strict_json_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("JSON is parsed") {
  CHECK(parse_strict_json(R"({"a": [1, {"a": 2}], "b": {"a": null}})", "f")["a"][1]["a"] == 2);
  CHECK(parse_strict_json(R"({"b": {"a": 1}, "a": 2})", "f")["a"] == 2);
}

TEST_CASE("text that is not strict JSON is a bad file") {
  const std::string deep(100'000, '[');
  for (const std::string& bad :
       {std::string(""), std::string("{"), std::string("{}x"), std::string("{\"a\":1,}"), std::string("\"\xff\""),
        std::string("[1e999]"), std::string("nul"), std::string("{}\0x", 4), std::string("{\"a\0\":1}", 8), deep,
        std::string("{\"a\": 1, \"a\": 2}"), std::string("[{\"b\": {\"a\": 1, \"c\": 3, \"a\": 2}}]"),
        std::string("// c\n{}")})
    CHECK_THROWS_AS(parse_strict_json(bad, "f"), BadFile);
}

TEST_CASE("a JSON error names the byte") {
  try {
    parse_strict_json("{\"a\": tru}", "config.json");
    FAIL("was accepted");
  } catch (const BadFile& error) {
    CHECK(error.offset() == 9u);
    CHECK_THAT(error.what(), ContainsSubstring("config.json"));
  }
}

TEST_CASE("a byte-order mark and carriage returns are not part of the JSON text") {
  CHECK(parse_strict_json("\xef\xbb\xbf{\r\n\"a\": 1\r\n}\r\n", "f")["a"] == 1);
  CHECK(parse_strict_json("\xef\xbb\xbf[]").is_array());
  // A second mark is an error, and offsets count from the file's first byte.
  CHECK_THROWS_AS(parse_strict_json("\xef\xbb\xbf\xef\xbb\xbf{}", "f"), BadFile);
  CHECK_THROWS_WITH(parse_strict_json("\xef\xbb\xbf{\"a\": tru}", "f"), ContainsSubstring("[f, byte 12]"));
}

TEST_CASE("a JSON error states the problem, and the line if there are several") {
  const auto fault = [](const std::string& text) {
    try {
      parse_strict_json(text);
    } catch (const JsonFault& found) {
      return found;
    }
    return JsonFault({}, "none");
  };
  CHECK_THAT(fault("\"caf\xe9 au lait\"").what(), ContainsSubstring("JSON in UTF-8, found the byte 0xe9"));
  CHECK(fault("\"caf\xe9 au lait\"").offset() == 4u);
  CHECK_THAT(fault("\"\\ud800\"").what(), ContainsSubstring("surrogate U+D800..U+DBFF must be followed by"));
  CHECK_THAT(fault("{\"a\": 1, \"a\": 2}").what(), ContainsSubstring("found 'a' twice"));
  // The first error is the one that is reported.
  CHECK_THAT(fault("{\"a\" 1, \"\xe9\": 2}").what(), ContainsSubstring("expected ':'"));
  for (const std::string bad : {"{", "[1e999]", "nul", "{\"a\" 1}"}) {
    CHECK_THAT(fault(bad).what(), !ContainsSubstring("json.exception") && !ContainsSubstring("line 1"));
    CHECK_THROWS_WITH(parse_strict_json(bad, "f"), ContainsSubstring("must be JSON: "));
  }
  CHECK_THROWS_WITH(parse_strict_json("{\n\"a\": 1,\r\n\"b\": x\n}", "f"), ContainsSubstring("(line 3)"));
}

}  // namespace strict_json_test
