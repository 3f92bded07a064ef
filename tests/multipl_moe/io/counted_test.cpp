#include "multipl_moe/io/counted.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace counted_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("a message uses the singular for a count of 1") {
  CHECK(fmt::format("{} and {}", counted(1, "steps"), counted(std::size_t{2}, "more kinds")) ==
        "1 step and 2 more kinds");

  const ScratchFolder folder;
  put_bytes(folder / "file", "abcd");
  std::array<std::byte, 5> bytes;
  CHECK_THROWS_WITH(InputFile::open(folder / "file").read_at(0, bytes),
                    Catch::Matchers::EndsWith("the file ends 1 byte too early"));
}

}  // namespace counted_test
