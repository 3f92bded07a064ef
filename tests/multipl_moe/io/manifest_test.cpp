#include "multipl_moe/io/manifest.hpp"

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace manifest_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

/// A folder with the files "a" and "b" and their manifest.
void make_checkpoint(const ScratchFolder& folder) {
  put_bytes(folder / "a", "a");
  put_bytes(folder / "b", "");
  put_bytes(folder / manifest_name, manifest_of(folder.path()));
}

}  // namespace

TEST_CASE("a manifest lists checksum, bytes and name") {
  const ScratchFolder folder;
  put_bytes(folder / "b", "");
  put_bytes(folder / "a", "a");
  CHECK(manifest_of(folder.path()) == "e6c632b61e964e1f 1 a\n2d06800538d394c2 0 b\n");
}

TEST_CASE("a manifest matches its files, and any change of the files is an error") {
  const ScratchFolder folder;
  make_checkpoint(folder);
  CHECK_NOTHROW(check_manifest(folder.path()));
  SECTION("changed") { put_bytes(folder / "a", "b"); }
  SECTION("longer") { put_bytes(folder / "a", "aa"); }
  SECTION("missing") { fs::remove(folder / "b"); }
  SECTION("not listed") { put_bytes(folder / "c", "c"); }
  SECTION("no manifest") { fs::remove(folder / manifest_name); }
  SECTION("a link") {
    fs::rename(folder / "a", folder / "c");
    fs::create_symlink(folder / "c", folder / "a");
  }
  CHECK_THROWS_AS(check_manifest(folder.path()), BadFile);
}

TEST_CASE("a malformed manifest is a bad file") {
  const ScratchFolder folder;
  make_checkpoint(folder);
  const std::string good = get_bytes(folder / manifest_name);
  const std::string line = "e6c632b61e964e1f 1 ";
  using namespace std::string_literals;
  for (const std::string& bad : {"x"s, good + "\n", good + good, line + "../a\n", line + "/etc/passwd\n", line + "..\n",
                                 line + "\n", line + "a\0b\n"s, "e6c632b61e964e1f -1 a\n"s, "e6c632b61e964e1g 1 a\n"s,
                                 "e6c632b61e964e1f 99999999999999999999 a\n"s, good + "e6c632b61e964e1f 1"}) {
    put_bytes(folder / manifest_name, bad);
    CHECK_THROWS_AS(check_manifest(folder.path()), BadFile);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    put_bytes(folder / manifest_name, good.substr(0, size));
    CHECK_THROWS_AS(check_manifest(folder.path()), BadFile);
  }
}

}  // namespace manifest_test
