#include "multipl_moe/io/folder_lock.hpp"

#include "multipl_moe/io/errors.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace folder_lock_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("a folder has at most one lock at a time", "[io]") {
  const ScratchFolder scratch;
  {
    const FolderLock first(scratch.path());
    CHECK_THROWS_AS(FolderLock(scratch.path()), Failure);
  }
  CHECK_NOTHROW(FolderLock(scratch.path()));
}

TEST_CASE("a path that is not a folder cannot be locked", "[io]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "file", "x");
  CHECK_THROWS_AS(FolderLock(scratch / "file"), IoError);
  CHECK_THROWS_AS(FolderLock(scratch / "nowhere"), IoError);
}

}  // namespace folder_lock_test
