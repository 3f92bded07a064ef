#include "multipl_moe/io/json_lines.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "support/catch.hpp"

namespace json_lines_test {

using namespace multipl_moe;

TEST_CASE("lines are numbered, blank ones skipped, and faults name their line", "[io][json]") {
  std::vector<std::pair<int, std::size_t>> taken;
  const auto take = [&](const nlohmann::json& value, std::size_t line) {
    if (value == 9) throw JsonFault({}, "not nine");
    taken.emplace_back(value.get<int>(), line);
  };
  for_each_json_line(
      "\xef\xbb\xbf"
      "1\r\n\n \t\r\n2",
      "f.jsonl", take);
  CHECK(taken == std::vector<std::pair<int, std::size_t>>{{1, 1}, {2, 4}});
  CHECK_THROWS_WITH(for_each_json_line("1\n\n9\n", "f.jsonl", take), "[f.jsonl, byte 3] line 3 must be not nine");
  CHECK_THROWS_AS(for_each_json_line("1\n[\n", "f.jsonl", take), BadFile);
  CHECK_NOTHROW(for_each_json_line("", "f.jsonl", take));
}

}  // namespace json_lines_test
