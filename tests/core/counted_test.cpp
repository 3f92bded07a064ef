#include "moe/core/counted.hpp"

#include <cstddef>
#include <sstream>

#include "moe/core/require.hpp"
#include "support/catch.hpp"

namespace counted_test {

using namespace moe;

namespace {

std::string text(const auto& counted) {
  std::ostringstream out;
  out << counted;
  return out.str();
}

}  // namespace

TEST_CASE("a count of 1 is singular, every other count is plural", "[core]") {
  CHECK(text(counted(1, "sequences")) == "1 sequence");
  CHECK(text(counted(0, "sequences")) == "0 sequences");
  CHECK(text(counted(2, "token ids")) == "2 token ids");
  CHECK(text(counted(std::size_t{1}, "token ids")) == "1 token id");
  CHECK(text(counted(-1, "rows")) == "-1 rows");
  CHECK_THROWS_WITH(require(false, "Where", "x has ", counted(1, "rows"), ", not ", counted(3, "rows")),
                    "[Where] x has 1 row, not 3 rows");
}

}  // namespace counted_test
