#include "moe/safetensors/free_disk.hpp"

#include <cerrno>
#include <limits>

#include "moe/safetensors/file.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace free_disk_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("free space is known for paths that do not exist yet") {
  const ScratchFolder folder;
  REQUIRE(free_disk_bytes(folder.path()).has_value());
  CHECK(free_disk_bytes(folder / "a/b/c").has_value());
  CHECK(free_disk_bytes("relative/and/missing").has_value());
}

TEST_CASE("a save that does not fit is refused with the needed and the free bytes") {
  const ScratchFolder folder;
  CHECK_NOTHROW(require_free_disk(folder / "a", 1));
  constexpr std::uint64_t needed = std::numeric_limits<std::uint64_t>::max() - 7;
  try {
    require_free_disk(folder / "a/b/c", needed);
    FAIL("the save was accepted");
  } catch (const IoError& error) {
    CHECK(error.needed_bytes() == needed);
    CHECK(error.error_number() == ENOSPC);
    CHECK_THAT(error.what(), ContainsSubstring("; needed: " + std::to_string(needed) + " bytes; free: "));
  }
}

}  // namespace free_disk_test
