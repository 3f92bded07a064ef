#include "multipl_moe/sandbox/lent_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "../io/scratch.hpp"
#include "support/catch.hpp"

namespace lent_folder_test {

using namespace multipl_moe::sandbox;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("special files and set-user-ID bits do not stay in a folder", "[sandbox]") {
  const ScratchFolder scratch;
  const fs::path folder = scratch / "box";
  put_bytes(folder / "deep/program", "x");
  put_bytes(scratch / "outside", "x");
  REQUIRE(::chmod((folder / "deep/program").c_str(), 06755) == 0);
  REQUIRE(::chmod((scratch / "outside").c_str(), 04755) == 0);
  fs::create_symlink(scratch / "outside", folder / "link");
  fs::create_symlink("/", folder / "root");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  fs::create_directory(folder / "closed");
  put_bytes(folder / "closed/file", "x");
  REQUIRE(::chmod((folder / "closed").c_str(), 0) == 0);
  remove_special_files(folder);
  CHECK(status_of(folder / "deep/program").st_mode == (S_IFREG | 0755));
  CHECK(S_ISLNK(status_of(folder / "link").st_mode));
  CHECK(status_of(scratch / "outside").st_mode == (S_IFREG | 04755));
  CHECK_FALSE(fs::exists(fs::symlink_status(folder / "fifo")));
  CHECK((status_of(folder / "closed").st_mode & 0700) == 0700);
  CHECK(fs::exists(folder / "closed/file"));
}

TEST_CASE("a folder that all may read keeps its files' other permissions", "[sandbox]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "box/file", "x");
  put_bytes(scratch / "box/program", "x");
  put_bytes(scratch / "outside", "x");
  fs::create_symlink(scratch / "outside", scratch / "box/link");
  ::chmod((scratch / "box").c_str(), 0700);
  ::chmod((scratch / "box/file").c_str(), 0600);
  ::chmod((scratch / "box/program").c_str(), 0700);
  ::chmod((scratch / "outside").c_str(), 0600);
  let_all_read(scratch / "box");
  CHECK((status_of(scratch / "box").st_mode & 07777) == 0755);
  CHECK((status_of(scratch / "box/file").st_mode & 07777) == 0644);
  CHECK((status_of(scratch / "box/program").st_mode & 07777) == 0755);
  CHECK((status_of(scratch / "outside").st_mode & 07777) == 0600);
}

TEST_CASE("a folder's size counts blocks and entries, and says if it may hide files", "[sandbox]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "box/a", std::string(100000, 'x'));
  put_bytes(scratch / "box/deep/b", std::string(100000, 'x'));
  const FolderSize size = size_of_folder(scratch / "box");
  CHECK(size.entries == 4);
  CHECK(size.bytes >= 200000);
  CHECK(size.bytes < 400000);
  CHECK_FALSE(size.has_closed_folders);
  ::chmod((scratch / "box/deep").c_str(), 0);
  CHECK(size_of_folder(scratch / "box").has_closed_folders);
  ::chmod((scratch / "box/deep").c_str(), 0700);
  CHECK(size_of_folder(scratch / "none").entries == 0);
}

TEST_CASE("a lent folder belongs to the other user and comes back", "[sandbox]") {
  if (::geteuid() != 0) {
    WARN("only root can give a folder away, so this test was skipped");
    return;
  }
  const ScratchFolder scratch;
  put_bytes(scratch / "box/deep/file", "x");
  put_bytes(scratch / "outside", "x");
  fs::create_symlink(scratch / "outside", scratch / "box/link");
  {
    const LentFolder lent(scratch / "box", 61999);
    for (const char* name : {"box", "box/deep", "box/deep/file", "box/link"})
      CHECK(status_of(scratch / name).st_uid == 61999);
    CHECK(status_of(scratch / "outside").st_uid == 0);
  }
  for (const char* name : {"box", "box/deep", "box/deep/file", "box/link"}) {
    CHECK(status_of(scratch / name).st_uid == 0);
    CHECK(status_of(scratch / name).st_gid == ::getegid());
  }
}

}  // namespace lent_folder_test
