#include "multipl_moe/benchmark/journal.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "../io/scratch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "support/catch.hpp"

namespace journal_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;

namespace {

std::vector<int> lines_of(const std::filesystem::path& path, const std::vector<int>& more) {
  std::vector<int> taken;
  Journal journal(path, [&](const nlohmann::json& value) {
    if (!value.is_number_integer()) throw JsonFault({}, "a number");
    taken.push_back(value.get<int>());
  });
  for (const int number : more) journal.add(std::to_string(number));
  return taken;
}

}  // namespace

TEST_CASE("a journal goes on after the last complete line", "[benchmark][journal]") {
  const ScratchFolder scratch;
  const auto file = scratch / "j";
  CHECK(lines_of(file, {1, 2}).empty());
  CHECK(lines_of(file, {3}) == std::vector<int>{1, 2});
  CHECK(get_bytes(file) == "1\n2\n3\n");
  // What a killed process or a power loss leaves.
  for (const std::string rest : {"4", "\0\0\0\0", "{\n5\n", "\"x\"\n5\n"}) {
    put_bytes(file, "1\n2\n" + rest);
    CHECK(lines_of(file, {6}) == std::vector<int>{1, 2});
    CHECK(get_bytes(file) == "1\n2\n6\n");
  }
  CHECK_THROWS_AS(lines_of(scratch / "none/j", {}), IoError);
}

}  // namespace journal_test
