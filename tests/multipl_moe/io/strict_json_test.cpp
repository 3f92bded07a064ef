#include "multipl_moe/io/strict_json.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("JSON is parsed") {
  CHECK(parse_strict_json(R"({"a": [1, {"a": 2}], "b": {"a": null}})", "f")["a"][1]["a"] == 2);
  CHECK(parse_strict_json(R"({"b": {"a": 1}, "a": 2})", "f")["a"] == 2);
}

TEST_CASE("what is not strict JSON is a bad file") {
  const std::string deep(100'000, '[');
  for (const std::string& bad :
       {std::string(""), std::string("{"), std::string("{}x"), std::string("\xef\xbb\xbf{}"), std::string("{\"a\":1,}"),
        std::string("\"\xff\""), std::string("[1e999]"), std::string("nul"), std::string("{}\0x", 4),
        std::string("{\"a\0\":1}", 8), deep, std::string("{\"a\": 1, \"a\": 2}"),
        std::string("[{\"b\": {\"a\": 1, \"c\": 3, \"a\": 2}}]"), std::string("// c\n{}")})
    CHECK_THROWS_AS(parse_strict_json(bad, "f"), BadFile);
}

TEST_CASE("a JSON error names the byte") {
  try {
    parse_strict_json("{\"a\": tru}", "config.json");
    FAIL("was taken");
  } catch (const BadFile& error) {
    CHECK(error.offset() == 9u);
    CHECK_THAT(error.what(), ContainsSubstring("config.json"));
  }
}
